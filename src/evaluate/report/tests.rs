//! Reports.

use super::*;

fn per_user(values: &[(u32, f64)]) -> Measured {
    let values = values.iter().map(|&(user, value)| (UserIndex(user), value)).collect();
    Measured::per_user("rmse", 1, Direction::LowerIsBetter, values)
}

fn report() -> Report {
    let mut report = Report::new();
    report.add("a", "d=8", vec![per_user(&[(0, 1.0), (1, 2.0), (2, 9.0)])]).unwrap();
    report.add("b", "", vec![per_user(&[(1, 2.5), (0, 1.25), (7, 0.0)])]).unwrap();
    report
}

#[test]
fn pairs_are_matched_by_user_and_not_by_order() {
    let paired = report().paired("a", "b", "rmse", 1).unwrap();
    assert_eq!((paired.mean, paired.users), (-0.375, 2));
    assert!(paired.significantly_better());
    assert!(report().paired("b", "a", "rmse", 1).unwrap().significantly_worse());
}

#[test]
fn two_metrics_of_a_method_are_compared_over_users_with_both() {
    let one = |name: &str, values: &[(u32, f64)]| {
        let values = values.iter().map(|&(user, value)| (UserIndex(user), value)).collect();
        Measured::per_user(name, 5, Direction::HigherIsBetter, values)
    };
    let mut report = Report::new();
    let (head, tail) = (one("head", &[(0, 0.5), (1, 1.0), (2, 0.75)]), one("tail", &[(2, 0.25), (3, 9.0), (0, 0.25)]));
    report.add("a", "", vec![head, tail]).unwrap();
    let found = report.paired_metrics("a", "head", "tail", 5).unwrap();
    assert_eq!((found.mean, found.users), (0.375, 2));
    assert_eq!(report.paired_metrics("a", "head", "middle", 5), None);
}

#[test]
fn what_was_not_measured_is_none() {
    assert_eq!(report().mean("a", 0, "rmse"), None);
    assert_eq!(report().mean("c", 1, "rmse"), None);
    assert_eq!(report().paired("a", "b", "mae", 1), None);
}

#[test]
fn a_method_cannot_be_added_twice() {
    assert!(matches!(report().add("a", "", Vec::new()), Err(EvaluateError::MethodTwice(name)) if name == "a"));
}

#[test]
fn json_lines_have_the_fields_of_the_oracle() {
    let mut report = Report::new();
    report.add("a", "d=8", vec![per_user(&[(0, 1.0 / 3.0)])]).unwrap();
    report.add("b", "", vec![Measured::whole("coverage@10", 0, Direction::HigherIsBetter, 0.25, 3)]).unwrap();
    let mut text = Vec::new();
    report.write_json_lines(&mut text).unwrap();
    let expected = concat!(
        r#"{"method":"a","k":1,"metric":"rmse","mean":0.33333,"lo":0.33333,"hi":0.33333,"users":1,"config":"d=8"}"#,
        "\n",
        r#"{"method":"b","k":0,"metric":"coverage@10","mean":0.25,"lo":0.25,"hi":0.25,"users":3,"config":""}"#,
        "\n",
    );
    assert_eq!(String::from_utf8(text).unwrap(), expected);
}

#[test]
fn json_lines_say_the_protocol_last_and_shots_that_are_no_number_as_text() {
    let mut report = Report::new().of_protocol("leave-last-out");
    let measured = Measured::per_user("mrr@100", Shots::All, Direction::HigherIsBetter, vec![(UserIndex(0), 0.5)]);
    report.add("a", "", vec![measured]).unwrap();
    let mut text = Vec::new();
    report.write_json_lines(&mut text).unwrap();
    let expected = concat!(
        r#"{"method":"a","k":"all","metric":"mrr@100","mean":0.5,"lo":0.5,"hi":0.5,"users":1,"config":"","#,
        r#""protocol":"leave-last-out"}"#,
        "\n",
    );
    assert_eq!(String::from_utf8(text).unwrap(), expected);
    assert!(report.to_string().starts_with("leave-last-out\n\nmrr@100 (1 users)\n     k=all\n"), "{report}");
}

#[test]
fn nobody_measured_has_no_row() {
    let mut report = Report::new();
    report.add("a", "", vec![per_user(&[])]).unwrap();
    assert!(report.rows().is_empty());
}
