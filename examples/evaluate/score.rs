//! Each method under the protocol.

use std::error::Error;

use metarec::data::Dataset;
use metarec::evaluate::{Method, Protocol, Report};

use crate::bar;
use crate::compare;
use crate::methods::{Methods, is_ours};
use crate::output::Output;
use crate::renamed::Renamed;
use crate::stop::Stop;
use crate::work::{Scored, Work};

/// What methods are asked.
pub struct Questions<'a> {
    /// What was asked for.
    pub asked: Box<dyn Protocol + 'a>,
    /// The same of the first events of each user, where random ones were asked for: ours are scored on both.
    pub first: Option<Box<dyn Protocol + 'a>>,
    /// The validation users', for baselines: which of them is best is chosen by these. `None` where there are none.
    pub valid: Option<Box<dyn Protocol + 'a>>,
}

impl Questions<'_> {
    /// Runs every method that was asked for; what the first predicts is written where that was asked for.
    pub fn run(
        &self,
        data: &Dataset,
        methods: &mut Methods<'_>,
        (work, output, stop): (&Work, &Output, &Stop),
    ) -> Result<Scored, Box<dyn Error>> {
        let names = methods.asked();
        let mut all = Scored { report: Report::new().of_protocol(self.asked.name()), valid: Report::new() };
        let steps = bar::over("scoring", names.len());
        for (nth, name) in names.into_iter().enumerate() {
            stop.check()?;
            steps.set_message(name.to_owned());
            let files = (nth == 0).then_some(output);
            let held = work.scored(name).filter(|_| !files.is_some_and(Output::wants_predictions));
            let scored = match held {
                Some(scored) => scored,
                None => {
                    let scored = self.score(&methods.make(name)?, (data, files))?;
                    work.keep(name, &scored)?;
                    scored
                }
            };
            all.report.extend(scored.report)?;
            all.valid.extend(scored.valid)?;
            steps.inc(1);
        }
        steps.finish_and_clear();
        Ok(all)
    }

    /// Runs the methods of one name.
    fn score(
        &self,
        methods: &[Box<dyn Method + '_>],
        (data, files): (&Dataset, Option<&Output>),
    ) -> Result<Scored, Box<dyn Error>> {
        let mut scored = Scored::default();
        for (nth, method) in methods.iter().enumerate() {
            match files.filter(|_| nth == 0) {
                Some(output) => output.run(self.asked.as_ref(), method.as_ref(), &mut scored.report, data)?,
                None => self.asked.run(method.as_ref(), &mut scored.report)?,
            }
            let ours = is_ours(method.name());
            if let Some(first) = self.first.as_ref().filter(|_| ours) {
                let name = compare::on_first_events(method.name());
                first.run(&Renamed { name, method: method.as_ref() }, &mut scored.report)?;
            }
            if let Some(valid) = self.valid.as_ref().filter(|_| !ours) {
                valid.run(method.as_ref(), &mut scored.valid)?;
            }
        }
        Ok(scored)
    }
}
