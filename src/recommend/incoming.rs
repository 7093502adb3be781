//! What comes from outside is checked here.

use super::error::RecommendError;
use super::user::AdaptedUser;
use crate::data::{Action, Event, IndexedEvent, ItemIndex};
use crate::persist::ModelFacts;

/// The event on an item of the catalogue, checked.
pub(super) fn index(event: &Event, item: ItemIndex, range: Option<(f32, f32)>) -> Result<IndexedEvent, RecommendError> {
    let wrong = |field, value: String, expected| {
        Err(RecommendError::Event { item: event.item.clone(), field, value, expected })
    };
    if let Some(time) = event.timestamp.filter(|&time| time < 0) {
        return wrong("timestamp", time.to_string(), "seconds since the epoch, 0 or more".to_owned());
    }
    let mut indexed = IndexedEvent { item, action: event.action, value: event.value, timestamp: event.timestamp };
    let Some(value) = event.value else { return Ok(indexed) };
    if !value.is_finite() {
        return wrong("value", value.to_string(), "a finite number".to_owned());
    }
    let Some((low, high)) = range else { return Ok(indexed) };
    if event.action == Action::Rating && !(low..=high).contains(&value) {
        let expected = format!("{low} to {high}, as in training (clip it if your scale goes further)");
        return wrong("value", value.to_string(), expected);
    }
    indexed.value = Some(value.max(low).min(high));
    Ok(indexed)
}

/// Checks what a user who was read from outside holds.
pub(super) fn check_kept(user: &AdaptedUser, items: usize, facts: &ModelFacts) -> Result<(), RecommendError> {
    let damaged = |what: String| Err(RecommendError::DamagedUser(what));
    if !user.seen().is_sorted_by(|a, b| a < b) {
        return damaged("its seen items are not in ascending order".to_owned());
    }
    if user.seen().last().is_some_and(|item| item.position() >= items) {
        return damaged(format!("it has seen an item that is none of the {items}"));
    }
    if user.events().len() > facts.max_context {
        return damaged(format!("it has {} events: expected at most {}", user.events().len(), facts.max_context));
    }
    if !user.profile().is_sorted_by(|a, b| a < b) {
        return damaged("the codes of its profile are not in ascending order".to_owned());
    }
    if let Some(code) = user.profile().last().filter(|&&code| code as usize >= facts.profile.len()) {
        return damaged(format!("its profile has code {code} of {}", facts.profile.len()));
    }
    for event in user.events() {
        if user.seen().binary_search(&event.item).is_err() {
            return damaged(format!("it has an event on item number {} and has not seen it", event.item.0));
        }
        if let (Some(value), Some((low, high))) = (event.value, facts.value_range)
            && !(low..=high).contains(&value)
        {
            return damaged(format!("it has an event of value {value}: expected {low} to {high}"));
        }
        if event.item.position() >= items {
            return damaged(format!("it has an event on item number {} of {items}", event.item.0));
        }
        if event.value.is_some_and(|value| !value.is_finite()) {
            return damaged("it has an event whose value is not finite".to_owned());
        }
        if event.timestamp.is_some_and(|time| time < 0) {
            return damaged("it has an event with a negative time".to_owned());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(event: Event) -> Result<Option<f32>, String> {
        index(&event, ItemIndex(0), Some((1.0, 5.0))).map(|event| event.value).map_err(|error| error.to_string())
    }

    #[test]
    fn a_user_read_from_outside_is_held_to_what_adapting_allows() {
        let facts = ModelFacts::new("test", 1, Some((1.0, 5.0)));
        let check = |events: serde_json::Value, seen: &[u32]| {
            let user = serde_json::json!({ "fingerprint": "f", "events": events, "seen": seen });
            check_kept(&serde_json::from_value(user).unwrap(), 9, &facts).map_err(|error| error.to_string())
        };
        let event = |item: u32, value: f32| serde_json::json!({ "item": item, "action": "rating", "value": value, "timestamp": null });
        assert_eq!(check(serde_json::json!([event(3, 4.0)]), &[3, 8]), Ok(()));
        for (events, seen, expected) in [
            (serde_json::json!([event(3, 80.0)]), vec![3], "value 80"),
            (serde_json::json!([event(3, 4.0)]), vec![8], "has not seen it"),
            (serde_json::json!([event(3, 4.0)]), vec![3, 9], "none of the 9"),
            (serde_json::json!([event(3, 4.0), event(4, 4.0)]), vec![3, 4], "2 events: expected at most 1"),
            (serde_json::json!([event(12, 4.0)]), vec![3], "item"),
            (serde_json::json!([]), vec![4, 3], "ascending"),
        ] {
            let error = check(events, &seen).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn a_rating_outside_the_scale_is_an_error_that_names_the_bounds() {
        assert_eq!(value(Event::rating("a", 5.0)), Ok(Some(5.0)));
        let error = value(Event::rating("a", 80.0)).unwrap_err();
        assert!(error.starts_with(r#"event on item "a": value is 80: expected 1 to 5"#), "{error}");
    }

    #[test]
    fn a_quantity_outside_the_scale_is_clipped() {
        assert_eq!(value(Event::purchase("a").with_value(12.0)), Ok(Some(5.0)));
        assert_eq!(value(Event::purchase("a").with_value(0.0)), Ok(Some(1.0)));
        assert_eq!(value(Event::purchase("a")), Ok(None));
    }

    #[test]
    fn a_model_without_values_takes_any_finite_one() {
        let event = index(&Event::rating("a", 80.0), ItemIndex(0), None).unwrap();
        assert_eq!(event.value, Some(80.0));
        assert!(index(&Event::rating("a", f32::NAN), ItemIndex(0), None).is_err());
    }

    #[test]
    fn a_negative_time_is_an_error() {
        let error = value(Event::click("a").at(-1)).unwrap_err();
        assert_eq!(error, r#"event on item "a": timestamp is -1: expected seconds since the epoch, 0 or more"#);
    }
}
