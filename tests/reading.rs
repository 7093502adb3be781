//! Reading from outside: packed files, bad rows, and bytes of any kind.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use metarec::data::{DataError, DirReader, EventReader, OnRowError, read_dir};
use proptest::prelude::*;

const LAYOUTS: [&str; 5] = ["neutral", "ml-100k", "ml-1m", "ml-latest", "recbole"];

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/data").join(name)
}

fn pack(bytes: &[u8]) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

/// Every file of a layout, as it stands in the fixtures.
fn files(layout: &str) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(fixture(layout)).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries
        .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(&path).unwrap()))
        .collect();
    files.sort();
    files
}

#[test]
fn packed_files_are_read_as_they_are_whatever_their_names() {
    for layout in LAYOUTS {
        let plain = read_dir(fixture(layout)).unwrap();
        for end in [".gz", ""] {
            let folder = tempfile::tempdir().unwrap();
            for (name, bytes) in files(layout) {
                fs::write(folder.path().join(name + end), pack(&bytes)).unwrap();
            }
            assert_eq!(read_dir(folder.path()).unwrap(), plain, "{layout} {end}");
        }
    }
}

#[test]
fn a_packed_file_of_several_members_is_read_to_its_end() {
    let bytes = [pack(b"user,item\na,1\n"), pack(b"b,2\n")].concat();
    let rows = EventReader::csv().read_from("two.csv.gz", bytes.as_slice()).unwrap();
    assert_eq!(rows.map(|row| row.unwrap().0).collect::<Vec<_>>(), ["a", "b"]);
}

#[test]
fn a_packed_file_that_is_cut_off_or_damaged_is_an_error_that_names_it() {
    let whole = pack("user,item\nann,4711\n".repeat(50).as_bytes());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.csv.gz");
    for bytes in [&whole[..whole.len() - 3], &whole[..12], &[&whole[..], b"more"].concat()] {
        fs::write(&path, bytes).unwrap();
        let error = EventReader::csv().read_dataset(&path).unwrap_err();
        assert!(matches!(error, DataError::Gzip { .. }), "{error}");
        let text = error.to_string();
        assert!(
            text.contains("shop.csv.gz: cannot be unpacked") && text.ends_with("expected a whole gzip file"),
            "{text}"
        );
    }
}

#[test]
fn a_file_that_is_there_packed_and_unpacked_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["interactions.csv", "interactions.csv.gz"] {
        fs::write(folder.path().join(name), "user,item,timestamp\na,b,1\n").unwrap();
    }
    let error = read_dir(folder.path()).unwrap_err().to_string();
    assert!(error.ends_with("expected one of these files, found interactions.csv, interactions.csv.gz"), "{error}");
}

#[cfg(not(feature = "parquet"))]
#[test]
fn a_parquet_file_says_which_feature_reads_it() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("interactions.parquet"), b"PAR1\x15\x04\x15").unwrap();
    let error = read_dir(folder.path()).unwrap_err().to_string();
    assert!(error.ends_with("expected a build with the feature \"parquet\", which reads such files"), "{error}");
}

fn shop(interactions: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("interactions.csv"), interactions).unwrap();
    fs::write(folder.path().join("items.csv"), "item,title\n1,Tea\n1,Tea again\n2,Milk\n").unwrap();
    fs::write(folder.path().join("users.csv"), "user,age\nann,30\n,31\n").unwrap();
    folder
}

#[test]
fn bad_rows_of_a_folder_are_skipped_and_the_report_comes_with_the_data() {
    let folder = shop("user,item,value,timestamp\nann,1,5,10\nann,2,five,11\nann,2\nbob,2,4,12\n");
    let skip = |at_most| DirReader::new().on_row_error(OnRowError::Skip { at_most }).read(folder.path());
    let (data, report) = skip(2).unwrap();
    assert_eq!((data.events().len(), data.catalogue().len()), (2, 2));
    let counts: Vec<(u64, u64)> = report.files.iter().map(|file| (file.rows, file.skipped)).collect();
    assert_eq!((counts, report.skipped()), (vec![(2, 1), (1, 1), (2, 2)], 4));
    let interactions = report.files[2].to_string();
    let expected = "interactions.csv: 2 rows read, 2 skipped
  1 of column \"value\": expected a finite number
  1 as a whole: expected 4 cells
  line 3, column \"value\": \"five\": expected a finite number
  line 4: 2 cells: expected 4 cells";
    assert!(interactions.ends_with(expected), "{interactions}");
    let error = skip(1).unwrap_err().to_string();
    let expected = "interactions.csv: 2 bad rows: expected at most 1; the first: line 3, column \"value\": \"five\": expected a finite number";
    assert!(error.ends_with(expected), "{error}");
    assert!(matches!(read_dir(folder.path()), Err(DataError::Cell { .. })));
}

#[test]
fn text_in_a_bad_row_is_no_row_unless_a_quote_may_be_wrong() {
    let folder = shop("user,item,value,timestamp\nann,1,5,10\n");
    let skip = DirReader::new().on_row_error(OnRowError::Skip { at_most: 9 });
    let items = |text: &str| {
        fs::write(folder.path().join("items.csv"), text).unwrap();
        let (data, report) = skip.read(folder.path()).unwrap();
        let row = |id: &str| {
            let item = data.catalogue().find(id)?;
            Some(data.catalogue().title(item).to_owned())
        };
        (row("1"), row("2"), report.files.iter().map(|file| file.skipped).collect::<Vec<_>>())
    };
    let own = |title: &str| Some(title.to_owned());
    // The second row is bad as its id is there already; its quotes are right, and so no line of its title is a row.
    let text = "item,title\n1,\"Tea\"\n1,\"of old\n2,new\"\n2,\"Milk\"\n";
    let (tea, milk, skipped) = items(text);
    assert_eq!((tea, milk), (own("Tea"), own("Milk")));
    assert_eq!(skipped.iter().sum::<u64>(), 2, "the repeated id, and the user without one");
    // A quote that is not closed swallows two rows; the width tells, and the second line is read again.
    let (tea, milk, _) = items("item,title\n1,Tea\n3,\"Salt\n2,Milk\n4,\"x\",y\n");
    assert_eq!((tea, milk), (own("Tea"), own("Milk")));
}

#[test]
fn a_pinned_protocol_is_never_skipped() {
    let folder = shop("user,item,value,timestamp\nann,1,5,10\n");
    let rows = "user,item,value,timestamp,role,split\nann,1,5,10,support,test\nann,1,5,10,suport,test\n";
    fs::write(folder.path().join("episodes.csv"), rows).unwrap();
    let skip = DirReader::new().on_row_error(OnRowError::Skip { at_most: 99 });
    let error = skip.read(folder.path()).unwrap_err().to_string();
    assert!(error.ends_with("episodes.csv, line 3, column \"role\": \"suport\": expected support or query"), "{error}");
}

#[test]
fn a_quote_that_is_never_closed_is_named_with_its_line_and_does_not_fill_the_memory() {
    let mut text = b"user,item,value\nann,1,5\nann,\"2,5\n".to_vec();
    text.extend(b"bob,3,4\n".repeat(3 << 20));
    let mut rows = EventReader::csv().read_from("shop.csv", text.as_slice()).unwrap();
    assert!(rows.next().unwrap().is_ok());
    let error = rows.next().unwrap().unwrap_err().to_string();
    let expected = "shop.csv, line 3: more than 16 MiB without the end of the row: expected rows of 16 MiB at most, and every quote closed";
    assert_eq!(error, expected);
    assert_eq!(rows.filter(|row| row.is_ok()).count(), 3 << 20, "reading goes on behind the line");
}

/// What happens to one file of a layout.
#[derive(Clone, Debug)]
enum Damage {
    Flip(usize, u8),
    Cut(usize),
    Insert(usize, Vec<u8>),
    Double(usize, usize),
}

fn damage() -> impl Strategy<Value = Damage> {
    let telling =
        proptest::sample::select(vec!["\"", ",", "\n", "\t", "::", "|", "\r", "\0", "\u{feff}", "1e999", "é", "\x1f"]);
    prop_oneof![
        (any::<usize>(), 1u8..).prop_map(|(at, bits)| Damage::Flip(at, bits)),
        any::<usize>().prop_map(Damage::Cut),
        (any::<usize>(), telling).prop_map(|(at, text)| Damage::Insert(at, text.as_bytes().to_vec())),
        (any::<usize>(), 1usize..40).prop_map(|(at, length)| Damage::Double(at, length)),
    ]
}

fn apply(damage: &Damage, bytes: &mut Vec<u8>) {
    let length = bytes.len();
    let place = |at: usize| at % (length + 1);
    match damage {
        Damage::Flip(at, bits) => {
            if let Some(byte) = bytes.get_mut(at % length.max(1)) {
                *byte ^= bits;
            }
        }
        Damage::Cut(at) => bytes.truncate(place(*at)),
        Damage::Insert(at, text) => {
            let at = place(*at);
            bytes.splice(at..at, text.iter().copied());
        }
        Damage::Double(at, length) => {
            let at = place(*at);
            let twice = bytes[at..(at + length).min(bytes.len())].to_vec();
            bytes.splice(at..at, twice);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn damaged_files_are_data_or_an_error_that_names_a_file(
        layout in proptest::sample::select(&LAYOUTS[..]), which: usize, damages in proptest::collection::vec(damage(), 1..4), packed: bool, skip: bool
    ) {
        let folder = tempfile::tempdir().unwrap();
        let mut files = files(layout);
        let count = files.len();
        let (_, bytes) = &mut files[which % count];
        if packed {
            *bytes = pack(bytes);
        }
        damages.iter().for_each(|damage| apply(damage, bytes));
        files.iter().for_each(|(name, bytes)| fs::write(folder.path().join(name), bytes).unwrap());
        let rule = if skip { OnRowError::Skip { at_most: 1000 } } else { OnRowError::Fail };
        match DirReader::new().on_row_error(rule).read(folder.path()) {
            Ok((data, report)) => {
                let rows = report.files.last().unwrap().rows;
                prop_assert_eq!(data.events().len() as u64, rows);
                prop_assert!(skip || report.skipped() == 0);
            }
            Err(error) => {
                let text = error.to_string();
                prop_assert!(files.iter().any(|(name, _)| text.contains(name.as_str())), "{}", text);
            }
        }
    }

    #[test]
    fn any_bytes_behind_a_head_of_gzip_are_an_error_or_text(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let head = [&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3][..], &bytes].concat();
        if let Err(error) = EventReader::csv().read_from("some.gz", head.as_slice()) {
            prop_assert!(error.to_string().contains("some.gz"));
        }
    }
}
