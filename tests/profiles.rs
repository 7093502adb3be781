//! What is known of users besides their events, from training to serving.

use metarec::burn::tensor::Device;
use metarec::data::{Dataset, DatasetBuilder, Event};
use metarec::evaluate::{Method, Served, Support};
use metarec::{Config, Recommender};

/// Two kinds of users, told apart by a column, who like different items: the even and the odd.
fn camps() -> Dataset {
    let mut data = DatasetBuilder::new();
    for user in 0..200_u32 {
        let id = user.to_string();
        data.describe_user(&id, [("camp", if user % 2 == 0 { "even" } else { "odd" })]).unwrap();
        for place in 0..20_u32 {
            let item = (user * 7 + place * 11) % 40;
            let value = if item % 2 == user % 2 { 5.0 } else { 1.0 };
            data.push(&id, &Event::rating(format!("i{item}"), value).at(i64::from(place))).unwrap();
        }
    }
    data.build()
}

fn trained(data: &Dataset, profiles: bool, epochs: usize) -> Recommender {
    let mut config = Config::default();
    (config.model.d_model, config.model.profiles, config.training.epochs) = (16, profiles, epochs);
    (config.sampler.min_query, config.training.meta_batch) = (5, 20);
    Recommender::train(data, &config, &Device::default()).unwrap()
}

/// How many of the first ten items are of the even camp.
fn even(rec: &Recommender, profile: &[(&str, &str)]) -> usize {
    let user = rec.adapt_known(profile, &[]).unwrap();
    let hits = rec.top_k(&user, 10).unwrap();
    hits.iter().filter(|hit| hit.item[1..].parse::<u32>().unwrap() % 2 == 0).count()
}

#[test]
fn a_newcomer_is_served_by_what_their_profile_says_and_everybody_else_as_before() {
    let data = camps();
    let rec = trained(&data, true, 60);
    assert!(even(&rec, &[("camp", "even")]) >= 8, "{}", even(&rec, &[("camp", "even")]));
    assert!(even(&rec, &[("camp", "odd")]) <= 2, "{}", even(&rec, &[("camp", "odd")]));

    // Of whom nothing is known, or what training never met, is served as one without a profile.
    let nobody = rec.adapt(&[]).unwrap();
    let scores = rec.scores(&nobody).unwrap();
    for unknown in [&[][..], &[("camp", "")], &[("camp", "third")]] {
        assert_eq!(rec.scores(&rec.adapt_known(unknown, &[]).unwrap()).unwrap(), scores);
    }

    // An update keeps the profile, and a saved user keeps it as well.
    let mut user = rec.adapt_known(&[("camp", "odd")], &[]).unwrap();
    rec.update(&mut user, Event::rating("i3", 5.0)).unwrap();
    let at_once = rec.adapt_known(&[("camp", "odd")], &[Event::rating("i3", 5.0)]).unwrap();
    assert_eq!(rec.scores(&user).unwrap(), rec.scores(&at_once).unwrap());
    let read = serde_json::from_str(&serde_json::to_string(&user).unwrap()).unwrap();
    assert_eq!(user, read);
    assert_eq!(rec.scores(&read).unwrap(), rec.scores(&user).unwrap());

    // A measurement sees what is served.
    let seen = Support { user: data.users().find("0").unwrap(), events: &[] };
    let served = Served::new(&rec, &data).unwrap();
    let even_user = rec.adapt_known(&[("camp", "even")], &[]).unwrap();
    assert_eq!(served.scores(&[seen]).unwrap().unwrap()[0], rec.scores(&even_user).unwrap());
    assert_eq!(served.without_profiles().scores(&[seen]).unwrap().unwrap()[0], scores);

    // What was saved reads profiles as before.
    let folder = tempfile::tempdir().unwrap();
    rec.save(folder.path().join("model")).unwrap();
    let loaded = Recommender::load(folder.path().join("model"), &Device::default()).unwrap();
    assert_eq!(even(&loaded, &[("camp", "odd")]), even(&rec, &[("camp", "odd")]));
}

#[test]
fn a_column_that_the_model_does_not_read_is_an_error_that_names_it() {
    let data = camps();
    let error = |rec: &Recommender, column| rec.adapt_known(&[(column, "odd")], &[]).unwrap_err().to_string();
    let rec = trained(&data, true, 1);
    assert_eq!(error(&rec, "plan"), r#"profile column "plan" is "odd": expected one of the columns camp"#);
    let rec = trained(&data, false, 1);
    assert_eq!(error(&rec, "camp"), r#"profile column "camp" is "odd": expected nothing, as no column is read"#);
}

#[test]
fn a_saved_user_with_codes_that_the_model_has_not_is_refused() {
    let rec = trained(&camps(), true, 1);
    let user = rec.adapt_known(&[("camp", "odd")], &[]).unwrap();
    let text = serde_json::to_string(&user).unwrap();
    let read = serde_json::from_str(&text.replace(r#""profile":[1]"#, r#""profile":[9]"#)).unwrap();
    let error = rec.scores(&read).unwrap_err().to_string();
    assert!(error.contains("its profile has code 9 of 2"), "{error}");
}
