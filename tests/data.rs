//! The data room from outside: every layout, the protocol against its reference, and bad bytes.

use std::fs;
use std::path::{Path, PathBuf};

use metarec::data::synthetic::{Feedback, MarketConfig};
use metarec::data::{
    Action, DataError, Dataset, EventReader, HeldOutUser, ItemIndex, UserIndex, UserSplit, by_score, read_dir,
};
use proptest::prelude::*;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/data").join(name)
}

fn titles(data: &Dataset) -> Vec<&str> {
    (0..).map(ItemIndex).take(data.catalogue().len()).map(|item| data.catalogue().title(item)).collect()
}

fn categories<'a>(data: &'a Dataset, item: &str) -> Vec<&'a str> {
    let item = data.catalogue().item(data.catalogue().find(item).unwrap());
    item.categories.iter().map(|&code| data.catalogue().categories()[code as usize].as_str()).collect()
}

/// One line for each event, in the columns of `episodes.csv`.
fn lines(data: &Dataset, split: &UserSplit) -> Vec<String> {
    let mut lines: Vec<(String, String)> = Vec::new();
    let mut add = |user: UserIndex, events: &[metarec::data::IndexedEvent], role: &str, part: &str| {
        let id = data.users().id(user);
        for event in events {
            let (value, time) = (event.value.unwrap(), event.timestamp.unwrap());
            let item = data.catalogue().id(event.item);
            lines.push((id.to_owned(), format!("{id},{item},{value:.1},{time},{role},{part}")));
        }
    };
    split.train.iter().for_each(|task| add(task.user, &task.events, "support", "train"));
    let mut held = |users: &[HeldOutUser], part| {
        for user in users {
            add(user.user, &user.pool, "support", part);
            add(user.user, &user.query, "query", part);
        }
    };
    held(&split.valid, "valid");
    held(&split.test, "test");
    lines.sort_by(|a, b| a.0.cmp(&b.0));
    lines.into_iter().map(|(_, line)| line).collect()
}

#[test]
fn the_split_by_digest_is_that_of_the_reference_line_by_line() {
    let data = read_dir(fixture("protocol")).unwrap();
    let expected = fs::read_to_string(fixture("protocol/episodes.csv")).unwrap();
    let split = data.split().unwrap();
    assert!(split.valid.len() > 2 && split.test.len() > 2);
    assert_eq!(lines(&data, &split), expected.lines().skip(1).collect::<Vec<_>>());
}

#[test]
fn a_pinned_split_is_read_as_it_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let ratings = fs::read_to_string(fixture("protocol/ratings.csv")).unwrap();
    let renamed = ratings.replacen("userId,movieId,rating", "user,item,value", 1);
    fs::write(folder.path().join("interactions.csv"), renamed).unwrap();
    fs::copy(fixture("protocol/episodes.csv"), folder.path().join("episodes.csv")).unwrap();
    let mut data = read_dir(folder.path()).unwrap();
    let pinned = data.split().unwrap();
    assert_eq!(data.pinned_split(), Some(&pinned));
    data.set_pinned_split(None);
    assert_eq!(data.split().unwrap(), pinned);
}

#[test]
fn the_neutral_layout_is_read() {
    let data = read_dir(fixture("neutral")).unwrap();
    assert_eq!(titles(&data), ["Fargo (1996)", "Stupids, The (1996)", "Unseen", "300"]);
    assert_eq!(data.catalogue().item(ItemIndex(0)).text, "A car salesman hires two crooks.");
    assert_eq!(categories(&data, "100"), ["Crime", "Drama"]);
    assert_eq!(data.users().ids(), ["bob", "cat", "ann"]);
    assert_eq!(data.users().columns(), ["age", "city"]);
    assert_eq!(data.users().row(UserIndex(0)).unwrap(), ["31", "Oslo"]);
    assert_eq!(data.users().row(UserIndex(2)), None);
    let bob: Vec<_> =
        data.history(UserIndex(0)).iter().map(|event| (event.action, event.value, event.timestamp)).collect();
    assert_eq!(bob, [(Action::Click, None, None), (Action::Rating, Some(4.0), Some(881_250_000))]);
    assert!(data.history(UserIndex(1)).is_empty());
    let split = data.pinned_split().unwrap();
    assert_eq!(split.test[0].query[0].action, Action::Purchase);
    assert_eq!(split.train[0].events, data.history(UserIndex(0)));
}

#[test]
fn movielens_100k_is_read_with_its_latin_1_titles() {
    let data = read_dir(fixture("ml-100k")).unwrap();
    assert_eq!(titles(&data), ["Toy Story (1995)", "Double vie de Véronique, La (1991)", "unknown"]);
    assert_eq!(categories(&data, "1"), ["Animation", "Children's", "Comedy"]);
    assert_eq!(data.users().columns(), ["age", "gender", "occupation", "zip_code"]);
    assert_eq!(data.users().row(UserIndex(1)).unwrap(), ["53", "F", "other", "94043"]);
    assert_eq!((data.events().len(), data.events()[0].value), (3, Some(5.0)));
}

#[test]
fn movielens_with_double_colons_is_read() {
    let data = read_dir(fixture("ml-1m")).unwrap();
    let expected = [
        "One Flew Over the Cuckoo's Nest (1975)",
        "James and the Giant Peach (1996)",
        "Amélie: Le Fabuleux Destin (2001)",
    ];
    assert_eq!(titles(&data), expected);
    assert_eq!(categories(&data, "661"), ["Animation", "Children's", "Musical"]);
    assert_eq!(data.users().row(UserIndex(0)).unwrap(), ["F", "1", "10", "48067"]);
    assert_eq!(data.history(UserIndex(0)).len(), 2);
}

#[test]
fn movielens_with_csv_files_is_read() {
    let data = read_dir(fixture("ml-latest")).unwrap();
    assert_eq!(titles(&data), ["Toy Story (1995)", "Pervert's Guide to Ideology, The (2012)"]);
    assert!(categories(&data, "3").is_empty());
    assert_eq!(data.like_rule().threshold, Some(3.875));
    assert!(data.users().columns().is_empty());
}

#[test]
fn recbole_atomic_files_are_read() {
    let data = read_dir(fixture("recbole")).unwrap();
    assert_eq!(titles(&data), ["Toy Story (1995)", "Heat (1995)", "\"Quoted"]);
    assert_eq!(categories(&data, "1"), ["Animation", "Comedy"]);
    assert_eq!(data.users().row(UserIndex(1)).unwrap(), ["53"]);
    let times: Vec<_> = data.events().iter().map(|event| event.timestamp.unwrap()).collect();
    assert_eq!(times, [881_250_949, 881_250_950, 881_250_951]);
}

#[test]
fn a_folder_of_no_known_layout_is_an_error_that_says_what_was_looked_for() {
    let folder = tempfile::tempdir().unwrap();
    let error = read_dir(folder.path()).unwrap_err();
    assert!(matches!(error, DataError::UnknownLayout { .. }));
    assert!(error.to_string().ends_with("interactions.csv, u.data, ratings.dat, ratings.csv, *.inter"), "{error}");
    assert!(matches!(read_dir(folder.path().join("none")), Err(DataError::Io { .. })));
}

#[test]
fn several_inter_files_are_an_error_that_names_them() {
    let error = read_dir(fixture("two-inter")).unwrap_err().to_string();
    assert!(error.ends_with("expected one *.inter file, found a.test.inter, a.train.inter"), "{error}");
}

#[test]
fn what_is_wrong_in_a_folder_is_named_with_file_and_line() {
    let head = "user,item,value,timestamp\n";
    for (file, text, expected) in [
        ("interactions.csv", head, "interactions.csv: empty: expected at least one row"),
        ("interactions.csv", "", "interactions.csv: empty: expected at least one row"),
        ("interactions.csv", "user,item\na,b\n", "line 1: no column \"timestamp\": expected it among user, item"),
        (
            "items.csv",
            "item,title\n1,x\n2,y\n1,z\n",
            "items.csv, line 4, column \"item\": \"1\": expected an id that does not stand on an earlier line",
        ),
        (
            "users.csv",
            "user,age\na,1\n\na,2\n",
            "users.csv, line 4, column \"user\": \"a\": expected an id that does not stand on an earlier line",
        ),
        (
            "users.csv",
            "user,age,age\na,1,2\n",
            "users.csv, line 1, column \"age\": \"age\": expected a column name that is not there twice",
        ),
        ("items.csv", "item,title\n", "items.csv: empty: expected at least one row"),
        ("items.csv", "id,title\n1,x\n", "items.csv, line 1: no column \"item\": expected it among id, title"),
        (
            "episodes.csv",
            "user,item,value,timestamp,role,split\na,b,1,x,support,test\n",
            "line 2, column \"timestamp\": \"x\": expected seconds since the epoch, 0 or more",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("interactions.csv"), format!("{head}a,b,1,1\n")).unwrap();
        fs::write(folder.path().join(file), text).unwrap();
        let error = read_dir(folder.path()).unwrap_err().to_string();
        assert!(error.ends_with(expected), "{error}");
    }
}

#[test]
fn a_single_file_makes_a_data_set() {
    let reader = EventReader::csv().user_column("userId").item_column("movieId").value_column("rating");
    let (data, report) = reader.read_dataset(fixture("ml-latest/ratings.csv")).unwrap();
    assert_eq!((report.files[0].rows, report.skipped()), (3, 0));
    assert_eq!((data.events().len(), data.users().len(), data.catalogue().len()), (3, 2, 2));
    assert!(data.events().iter().all(|event| event.timestamp.is_none()));
}

/// nDCG@10 over the held-out users of popularity plus the genres of the first `shots` events.
fn genres_after(data: &Dataset, split: &UserSplit, shots: usize) -> f64 {
    let rule = data.like_rule();
    let mut popularity = vec![0.0; data.catalogue().len()];
    split
        .train
        .iter()
        .flat_map(|task| &task.events)
        .for_each(|event| popularity[event.item.position()] += rule.weight(event));
    let most = popularity.iter().copied().fold(0.0, f32::max);
    let held: Vec<&HeldOutUser> = split.valid.iter().chain(&split.test).collect();
    let gain = |place: usize| 1.0 / (place as f64 + 2.0).log2();
    let score = |user: &HeldOutUser| {
        let mut genres = vec![0.0; data.catalogue().categories().len()];
        for event in &user.pool[..shots] {
            let item = data.catalogue().item(event.item);
            item.categories.iter().for_each(|&code| genres[code as usize] += rule.weight(event) - 0.5);
        }
        let mut ranked: Vec<(f32, u32)> = (0..data.catalogue().len())
            .filter(|&item| !user.pool.iter().any(|event| event.item.position() == item))
            .map(|item| {
                let codes = &data.catalogue().item(ItemIndex(item as u32)).categories;
                let taste: f32 = codes.iter().map(|&code| genres[code as usize]).sum();
                (popularity[item] / most + 0.5 * taste, item as u32)
            })
            .collect();
        ranked.sort_by(|a, b| by_score(*a, *b));
        let relevant: Vec<u32> =
            user.query.iter().filter(|event| rule.weight(event) == 1.0).map(|event| event.item.0).collect();
        let found: f64 = (0..10).filter(|&place| relevant.contains(&ranked[place].1)).map(gain).sum();
        found / (0..relevant.len().clamp(1, 10)).map(gain).sum::<f64>()
    };
    held.iter().map(|user| score(user)).sum::<f64>() / held.len() as f64
}

#[test]
fn five_events_of_a_generated_market_beat_its_popularity() {
    for feedback in [Feedback::Ratings, Feedback::Actions] {
        let data = MarketConfig::default().with_feedback(feedback).generate().unwrap().into_dataset();
        let split = data.split().unwrap();
        let ladder: Vec<f64> = [0, 1, 5].map(|shots| genres_after(&data, &split, shots)).to_vec();
        assert!(ladder[1] > ladder[0] + 0.02 && ladder[2] > ladder[0] + 0.1, "{ladder:?}");
    }
}

/// Bytes that are more likely to get past the first check of a reader than any bytes are.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let pieces = prop_oneof![
        any::<u8>().prop_map(|byte| vec![byte]),
        proptest::sample::select(vec![
            "\n", "\r\n", ",", "\t", "::", "|", "\"", "1", "user", "item", ":token", "\u{feff}", "-1", "nan",
            "support", "é"
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
    ];
    proptest::collection::vec(pieces, 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_bytes_in_any_file_are_data_or_an_error(bytes in bytes(), keep_header: bool) {
        for (layout, file) in [
            ("neutral", "interactions.csv"), ("neutral", "items.csv"), ("neutral", "users.csv"), ("neutral", "episodes.csv"),
            ("ml-100k", "u.data"), ("ml-100k", "u.item"), ("ml-100k", "u.user"),
            ("ml-1m", "ratings.dat"), ("ml-1m", "movies.dat"), ("ml-1m", "users.dat"),
            ("ml-latest", "ratings.csv"), ("ml-latest", "movies.csv"),
            ("recbole", "tiny.inter"), ("recbole", "tiny.item"), ("recbole", "tiny.user"),
        ] {
            let folder = tempfile::tempdir().unwrap();
            for entry in fs::read_dir(fixture(layout)).unwrap() {
                let path = entry.unwrap().path();
                let mut content = fs::read(&path).unwrap();
                if path.ends_with(file) {
                    let header = content.iter().position(|&byte| byte == b'\n').map_or(0, |at| at + 1);
                    content.truncate(if keep_header { header } else { 0 });
                    content.extend_from_slice(&bytes);
                }
                fs::write(folder.path().join(path.file_name().unwrap()), content).unwrap();
            }
            if let Err(error) = read_dir(folder.path()) {
                prop_assert!(!error.to_string().is_empty());
            }
        }
    }

    #[test]
    fn any_bytes_are_events_or_errors_for_any_delimiter(bytes in bytes(), delimiter: u8) {
        for reader in [EventReader::csv(), EventReader::tsv()] {
            let mut text = b"user,item\n".map(|byte| if byte == b',' { delimiter } else { byte }).to_vec();
            text.extend_from_slice(&bytes);
            if let Ok(rows) = reader.delimiter(delimiter).read_from("bytes", text.as_slice()) {
                prop_assert!(rows.take(1000).count() < 1000);
            }
        }
    }
}
