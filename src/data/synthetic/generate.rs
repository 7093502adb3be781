//! How a market comes about.

use super::config::{Feedback, MarketConfig};
use super::market::{Market, Truth, stars};
use super::names::{CITIES, GENRES, SEGMENTS, title};
use crate::data::builder::DatasetBuilder;
use crate::data::draws::Draws;
use crate::data::error::DataError;
use crate::data::event::{Action, Event};

/// Shares of genres and of hidden factors in taste; their squares add up to about 1.
const GENRE_SHARE: f64 = 0.9;
const FACTOR_SHARE: f64 = 0.44;
const LOVED: f64 = 1.6;
const AVOIDED: f64 = -1.3;
const DAY: usize = 86_400;
const OPENING: usize = 1_600_000_000;

struct ItemTraits {
    genres: Vec<usize>,
    factors: Vec<f64>,
    quality: f64,
    popularity: f64,
}

struct UserTraits {
    segment: usize,
    city: usize,
    genres: Vec<f64>,
    factors: Vec<f64>,
}

/// A market with the given traits; the settings have been checked.
pub(super) fn market(config: &MarketConfig) -> Result<Market, DataError> {
    let mut draws = Draws::new(*b"market\0\0", config.seed, 0);
    let items = items(config, &mut draws);
    let users: Vec<UserTraits> = (0..config.users).map(|_| user(config, &mut draws)).collect();
    let preferences = users.iter().flat_map(|user| items.iter().map(|item| preference(config, user, item))).collect();
    let quality = items.iter().map(|item| item.quality).collect();
    let truth = Truth { items: items.len(), preferences, quality };
    let mut builder = DatasetBuilder::new();
    describe(&mut builder, &items, &users)?;
    for user in 0..config.users {
        // A stream of its own for each user: more users leave those before them as they are.
        let mut draws = Draws::new(*b"events\0\0", config.seed, user as u64);
        for event in events(config, &items, truth.of(user), &mut draws) {
            builder.push(&format!("u{user}"), &event)?;
        }
    }
    Ok(Market { config: config.clone(), dataset: builder.build(), truth })
}

fn items(config: &MarketConfig, draws: &mut Draws) -> Vec<ItemTraits> {
    let mut items: Vec<ItemTraits> = (0..config.items)
        .map(|place| {
            let mut genres = vec![place % config.genres];
            let second = draws.below(config.genres);
            if draws.unit() < 0.4 && !genres.contains(&second) {
                genres.push(second);
            }
            let factors = (0..config.factors).map(|_| draws.normal()).collect();
            ItemTraits { genres, factors, quality: config.quality * draws.normal(), popularity: 0.0 }
        })
        .collect();
    let mut ranking: Vec<(f64, usize)> =
        items.iter().enumerate().map(|(place, item)| (item.quality + 0.4 * draws.normal(), place)).collect();
    ranking.sort_by(|a, b| b.0.total_cmp(&a.0));
    for (rank, (_, place)) in ranking.into_iter().enumerate() {
        items[place].popularity = 1.0 / (rank as f64 + 30.0);
    }
    items
}

fn user(config: &MarketConfig, draws: &mut Draws) -> UserTraits {
    let segment = draws.below(SEGMENTS.len());
    let mut order: Vec<usize> = (0..config.genres).collect();
    draws.shuffle(&mut order);
    if draws.unit() < 0.6 {
        let favourite = segment % config.genres;
        order.retain(|&genre| genre != favourite);
        order.insert(0, favourite);
    }
    let group = config.genres.div_ceil(4);
    let mut genres: Vec<f64> = (0..config.genres).map(|_| 0.3 * draws.normal()).collect();
    for (rank, genre) in order.into_iter().enumerate() {
        genres[genre] += match rank {
            rank if rank < group => LOVED,
            rank if rank < 2 * group => AVOIDED,
            _ => 0.0,
        };
    }
    UserTraits {
        segment,
        city: draws.below(CITIES.len()),
        genres,
        factors: (0..config.factors).map(|_| draws.normal()).collect(),
    }
}

fn preference(config: &MarketConfig, user: &UserTraits, item: &ItemTraits) -> f64 {
    let genres: f64 =
        item.genres.iter().map(|&genre| user.genres[genre]).sum::<f64>() / (item.genres.len() as f64).sqrt();
    let factors: f64 =
        user.factors.iter().zip(&item.factors).map(|(a, b)| a * b).sum::<f64>() / (config.factors.max(1) as f64).sqrt();
    item.quality + config.taste * (GENRE_SHARE * genres + FACTOR_SHARE * factors)
}

fn describe(builder: &mut DatasetBuilder, items: &[ItemTraits], users: &[UserTraits]) -> Result<(), DataError> {
    for (place, item) in items.iter().enumerate() {
        let genres = item.genres.iter().map(|&genre| GENRES[genre]);
        let text = format!("A story of {}.", genres.clone().collect::<Vec<_>>().join(" and "));
        builder.catalogue_mut().describe(&format!("i{place}"), &title(place), &text, genres);
    }
    for (place, user) in users.iter().enumerate() {
        let cells = [("segment", SEGMENTS[user.segment]), ("city", CITIES[user.city])];
        builder.describe_user(&format!("u{place}"), cells)?;
    }
    Ok(())
}

fn events(config: &MarketConfig, items: &[ItemTraits], preferences: &[f64], draws: &mut Draws) -> Vec<Event> {
    let least = (config.events * 3 / 4).max(1);
    let count = least + draws.below((config.events * 5).div_ceil(4) - least + 1);
    let appeal = |(item, preference): (&ItemTraits, &f64)| {
        let liking = (1.0 + preference / 2.0).max(0.1);
        item.popularity * liking * liking
    };
    let mut weights: Vec<f64> = items.iter().zip(preferences).map(appeal).collect();
    let mut met: Vec<usize> = Vec::with_capacity(count);
    while let Some(item) = (met.len() < count).then(|| draws.weighted(&weights)).flatten() {
        weights[item] = 0.0;
        met.push(item);
    }
    // What is met first must not be what is liked most.
    draws.shuffle(&mut met);
    let mut time = OPENING + draws.below(180 * DAY);
    let mut event = |item: usize| {
        // One in five shares its second with the one before, as where several are rated on one page.
        time += if draws.unit() < 0.2 { 0 } else { 60 + draws.below(3 * DAY) };
        let rating = stars(preferences[item] + config.noise * draws.normal()).round();
        let event = feedback(config.feedback, format!("i{item}"), rating);
        event.at(i64::try_from(time).unwrap_or(i64::MAX))
    };
    met.into_iter().map(&mut event).collect()
}

fn feedback(feedback: Feedback, item: String, rating: f64) -> Event {
    match feedback {
        Feedback::Ratings => Event::rating(item, rating as f32),
        Feedback::Actions if rating >= 4.0 => Event::purchase(item),
        Feedback::Actions if rating >= 3.0 => Event::click(item),
        Feedback::Actions => Event::new(item, Action::Browse),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{ItemIndex, UserIndex};

    fn default() -> Market {
        MarketConfig::default().generate().unwrap()
    }

    #[test]
    fn one_seed_gives_one_market_on_every_platform() {
        let market = default();
        assert_eq!(market, default());
        assert_ne!(market, MarketConfig::default().with_seed(1).generate().unwrap());
        let first: Vec<(u32, Option<f32>, Option<i64>)> = market.dataset().history(UserIndex(0))[..3]
            .iter()
            .map(|event| (event.item.0, event.value, event.timestamp))
            .collect();
        assert_eq!(
            first,
            [
                (112, Some(4.0), Some(1_601_873_244)),
                (56, Some(3.0), Some(1_601_905_434)),
                (45, Some(4.0), Some(1_601_939_278))
            ]
        );
    }

    #[test]
    fn users_have_between_three_and_five_quarters_of_the_events_and_no_item_twice() {
        let market = default();
        let data = market.dataset();
        for user in (0..300).map(UserIndex) {
            assert!((30..=50).contains(&data.history(user).len()));
            assert!(!data.repeats(user).contains(&true));
        }
        let mean = data.events().len() as f64 / 300.0;
        assert!((mean - 40.0).abs() < 1.5, "{mean}");
    }

    #[test]
    fn indices_are_those_in_the_ids() {
        let market = default();
        assert_eq!(market.dataset().users().id(UserIndex(17)), "u17");
        assert_eq!(market.dataset().catalogue().id(ItemIndex(42)), "i42");
        assert_eq!(market.dataset().users().columns(), ["segment", "city"]);
    }

    #[test]
    fn ratings_follow_the_truth_within_noise_and_rounding() {
        let market = default();
        for user in (0..300).map(UserIndex) {
            for event in market.dataset().history(user) {
                let error = f64::from(event.value.unwrap()) - market.true_rating(user, event.item);
                assert!(error.abs() <= 0.5 + 6.0 * market.config().noise, "{error}");
            }
        }
    }

    #[test]
    fn all_stars_are_given_and_about_half_of_the_ratings_are_likes() {
        let market = default();
        let data = market.dataset();
        assert_eq!(data.like_rule().threshold, Some(4.0));
        let likes = data.events().iter().filter(|event| data.like_rule().is_like(event)).count();
        let share = likes as f64 / data.events().len() as f64;
        assert!((0.35..0.75).contains(&share), "{share}");
    }

    #[test]
    fn actions_carry_no_values() {
        let market = MarketConfig::default().with_feedback(Feedback::Actions).generate().unwrap();
        let events = market.dataset().events();
        assert!(events.iter().all(|event| event.value.is_none()));
        for action in [Action::Browse, Action::Click, Action::Purchase] {
            assert!(events.iter().filter(|event| event.action == action).count() > 1000);
        }
    }

    #[test]
    fn more_users_leave_the_events_of_the_others_as_they_are() {
        let few = MarketConfig::default().with_users(10).generate().unwrap();
        assert_eq!(few.dataset().history(UserIndex(9)), default().dataset().history(UserIndex(9)));
    }
}
