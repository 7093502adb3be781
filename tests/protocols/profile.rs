//! A method may look up what is known of a user besides events: at no events at all it is all there is.

use metarec::data::{Dataset, DatasetBuilder, Event, SplitRule, UserSplit};
use metarec::evaluate::{EvaluateError, Method, Report, Support, UserCold};

/// Ranks the items of a user's town first.
struct ByTown<'a> {
    data: &'a Dataset,
    column: usize,
}

impl Method for ByTown<'_> {
    fn name(&self) -> &str {
        "by town"
    }

    fn scores(&self, supports: &[Support<'_>]) -> Result<Option<Vec<Vec<f32>>>, EvaluateError> {
        let row = |support: &Support<'_>| {
            let town = self.data.users().row(support.user).map(|row| row[self.column].as_str());
            let of_town = |item: &String| f32::from(u8::from(town.is_some_and(|town| item.starts_with(town))));
            self.data.catalogue().ids().iter().map(of_town).collect()
        };
        Ok(Some(supports.iter().map(row).collect()))
    }
}

/// Everybody buys what is sold in their town; of every seventh nothing is known.
fn towns() -> Dataset {
    let mut events = DatasetBuilder::new();
    for user in 0..60 {
        let (id, town) = (user.to_string(), ["oslo", "rome"][user % 2]);
        if user % 7 != 0 {
            events.describe_user(&id, [("born", "1990"), ("town", town)]).unwrap();
        }
        for item in 0..12 {
            events.push(&id, &Event::purchase(format!("{town}-{item}")).at(item)).unwrap();
        }
    }
    events.build()
}

#[test]
fn a_method_that_ranks_by_a_column_of_users_is_right_without_an_event() {
    let data = towns();
    let split = UserSplit::by_digest(&data, &SplitRule::default().with_support(2).with_min_events(12)).unwrap();
    let column = data.users().columns().iter().position(|column| column == "town").unwrap();
    let mut report = Report::new();
    UserCold::new(&data, &split).unwrap().run(&ByTown { data: &data, column }, &mut report).unwrap();
    let auc = report.find("by town", 0, "auc").unwrap();
    assert!(auc.users() > 3);
    for (user, value) in auc.values() {
        let known = data.users().row(*user).is_some();
        assert_eq!(*value == 1.0, known, "all of the town's items are in front of all others, or in the order of ties");
    }
}
