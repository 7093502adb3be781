//! Parquet files: every type of column, the same errors as text, and bytes of any kind.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use metarec::data::{Action, DataError, Dataset, DirReader, EventReader, OnRowError, UserIndex, read_dir};
use parquet::basic::Compression;
use parquet::data_type::{
    BoolType, ByteArray, ByteArrayType, DataType, DoubleType, FixedLenByteArray, FixedLenByteArrayType, FloatType,
    Int32Type, Int64Type, Int96, Int96Type,
};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use proptest::prelude::*;

type Group<'a> = SerializedRowGroupWriter<'a, Vec<u8>>;

/// A file of one schema, each group of rows written by one of `groups`.
fn file(schema: &str, compression: Compression, groups: &[&dyn Fn(&mut Group<'_>)]) -> Vec<u8> {
    let schema = Arc::new(parse_message_type(&format!("message shop {{ {schema} }}")).unwrap());
    let properties = WriterProperties::builder().set_compression(compression).build();
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties)).unwrap();
    for group in groups {
        let mut rows = writer.next_row_group().unwrap();
        group(&mut rows);
        rows.close().unwrap();
    }
    writer.into_inner().unwrap()
}

/// Writes the next column: `levels` are those of definition and repetition, for columns that have them.
fn column<T: DataType>(group: &mut Group<'_>, values: &[T::T], defined: Option<&[i16]>, repeated: Option<&[i16]>) {
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<T>().write_batch(values, defined, repeated).unwrap();
    column.close().unwrap();
}

fn texts(texts: &[&str]) -> Vec<ByteArray> {
    texts.iter().map(|text| ByteArray::from(*text)).collect()
}

/// `user`, `item`, `value`, `timestamp` of three rows in two groups; one value is null.
fn shop(compression: Compression) -> Vec<u8> {
    let schema = "required binary user (UTF8); required int64 item; optional double value; required int64 timestamp (TIMESTAMP(MILLIS,true));";
    let first = |group: &mut Group<'_>| {
        column::<ByteArrayType>(group, &texts(&["ann", "bob"]), None, None);
        column::<Int64Type>(group, &[4711, -2], None, None);
        column::<DoubleType>(group, &[4.5], Some(&[1, 0]), None);
        column::<Int64Type>(group, &[1_700_000_000_999, 1_700_000_001_000], None, None);
    };
    let second = |group: &mut Group<'_>| {
        column::<ByteArrayType>(group, &texts(&["ann"]), None, None);
        column::<Int64Type>(group, &[7], None, None);
        column::<DoubleType>(group, &[f64::INFINITY], Some(&[1]), None);
        column::<Int64Type>(group, &[-1000], None, None);
    };
    file(schema, compression, &[&first, &second])
}

fn reader() -> EventReader {
    EventReader::parquet().value_column("value").timestamp_column("timestamp")
}

fn ids(data: &Dataset) -> Vec<&str> {
    data.events().iter().map(|event| data.catalogue().id(event.item)).collect()
}

#[test]
fn columns_of_text_and_numbers_are_events_under_every_compression() {
    let zstd = Compression::ZSTD(Default::default());
    for compression in [Compression::UNCOMPRESSED, Compression::SNAPPY, Compression::GZIP(Default::default()), zstd] {
        let bytes = shop(compression);
        let mut rows = reader().read_from("shop.parquet", bytes.as_slice()).unwrap();
        let (user, event) = rows.next().unwrap().unwrap();
        assert_eq!((user.as_str(), event.item.as_str(), event.action), ("ann", "4711", Action::Rating));
        assert_eq!((event.value, event.timestamp), (Some(4.5), Some(1_700_000_000)));
        let (_, event) = rows.next().unwrap().unwrap();
        assert_eq!((event.item.as_str(), event.action, event.value), ("-2", Action::Click, None));
    }
}

#[test]
fn a_bad_value_is_named_with_file_row_column_and_expectation() {
    let bytes = shop(Compression::SNAPPY);
    let rows: Vec<_> = reader().read_from("shop.parquet", bytes.as_slice()).unwrap().collect();
    let error = rows[2].as_ref().unwrap_err().to_string();
    assert_eq!(error, "shop.parquet, row 3, column \"value\": \"inf\": expected a finite number");
    let times = EventReader::parquet().timestamp_column("timestamp").on_row_error(OnRowError::Skip { at_most: 1 });
    let mut rows = times.read_from("shop.parquet", bytes.as_slice()).unwrap();
    assert_eq!(rows.by_ref().count(), 2);
    let expected = "row 3, column \"timestamp\": \"-1\": expected seconds since the epoch, 0 or more";
    assert!(rows.report().to_string().ends_with(expected));
    let error = EventReader::parquet().value_column("stars").read_from("shop.parquet", bytes.as_slice()).unwrap_err();
    assert!(error.to_string().contains("no column \"stars\": expected it among user, item, value, timestamp"));
}

#[test]
fn a_file_is_known_by_its_bytes_and_text_is_refused_where_parquet_is_asked_for() {
    let bytes = shop(Compression::SNAPPY);
    assert_eq!(EventReader::csv().read_from("x", bytes.as_slice()).unwrap().count(), 3);
    let error = EventReader::parquet().read_from("shop.csv", &b"user,item\na,b\n"[..]).unwrap_err();
    assert_eq!(error.to_string(), "shop.csv: it does not begin as one: expected a whole Parquet file");
}

#[test]
fn a_folder_may_hold_parquet_files_of_every_type_of_column() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: Vec<u8>| fs::write(folder.path().join(name), bytes).unwrap();
    let interactions = "required int32 user (INTEGER(32,false)); required binary item (UTF8); required binary action (ENUM); required int96 timestamp;";
    write(
        "interactions.parquet",
        file(
            interactions,
            Compression::SNAPPY,
            &[&|group: &mut Group<'_>| {
                column::<Int32Type>(group, &[-1, 5], None, None);
                column::<ByteArrayType>(group, &texts(&["tea", "tea"]), None, None);
                column::<ByteArrayType>(group, &texts(&["purchase", "click"]), None, None);
                let mut time = Int96::new();
                time.set_data(0, 0, 2_440_589);
                column::<Int96Type>(group, &[time, time], None, None);
            }],
        ),
    );
    let items = "required binary item (UTF8); optional binary title (UTF8); optional group categories (LIST) { repeated group list { optional binary element (UTF8); } }";
    write(
        "items.parquet",
        file(
            items,
            Compression::SNAPPY,
            &[&|group: &mut Group<'_>| {
                column::<ByteArrayType>(group, &texts(&["tea", "milk", "salt"]), None, None);
                column::<ByteArrayType>(group, &texts(&["Green tea"]), Some(&[1, 0, 0]), None);
                let defined: &[i16] = &[3, 3, 2, 0, 1];
                column::<ByteArrayType>(group, &texts(&["hot", "leaf"]), Some(defined), Some(&[0, 1, 1, 0, 0]));
            }],
        ),
    );
    let users = "required int64 user; required boolean member; required float score; required int32 born (DATE); \
        required fixed_len_byte_array(2) paid (DECIMAL(4,2)); required group home { required int32 x; required int32 y; }";
    write(
        "users.parquet",
        file(
            users,
            Compression::SNAPPY,
            &[&|group: &mut Group<'_>| {
                column::<Int64Type>(group, &[5], None, None);
                column::<BoolType>(group, &[true], None, None);
                column::<FloatType>(group, &[0.1], None, None);
                column::<Int32Type>(group, &[1], None, None);
                column::<FixedLenByteArrayType>(group, &[FixedLenByteArray::from(vec![0xff, 0x85])], None, None);
                column::<Int32Type>(group, &[1], None, None);
                column::<Int32Type>(group, &[2], None, None);
            }],
        ),
    );
    let data = read_dir(folder.path()).unwrap();
    assert_eq!(data.users().ids(), ["5", "4294967295"]);
    assert_eq!(data.users().columns(), ["member", "score", "born", "paid", "home.x", "home.y"]);
    assert_eq!(data.users().row(UserIndex(0)).unwrap(), ["true", "0.1", "86400", "-1.23", "1", "2"]);
    assert_eq!(
        (data.catalogue().title(data.events()[0].item), data.catalogue().categories()),
        ("Green tea", &["hot".to_owned(), "leaf".to_owned()][..])
    );
    assert_eq!((data.catalogue().len(), ids(&data).len()), (3, 2));
    let time = data.history(UserIndex(1))[0];
    assert_eq!((time.action, time.timestamp), (Action::Purchase, Some(86_400)));
}

#[test]
fn many_rows_are_read_batch_by_batch() {
    let group = |rows: std::ops::Range<i64>| {
        move |group: &mut Group<'_>| {
            let users: Vec<ByteArray> =
                rows.clone().map(|row| ByteArray::from(format!("u{}", row % 7).into_bytes())).collect();
            column::<ByteArrayType>(group, &users, None, None);
            column::<Int64Type>(group, &rows.clone().collect::<Vec<_>>(), None, None);
        }
    };
    let (one, two) = (group(0..3000), group(3000..5001));
    let bytes = file("required binary user (UTF8); required int64 item;", Compression::SNAPPY, &[&one, &two]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.parquet");
    fs::write(&path, bytes).unwrap();
    let (data, report) = EventReader::parquet().read_dataset(&path).unwrap();
    assert_eq!((data.users().len(), data.catalogue().len(), report.files[0].rows), (7, 5001, 5001));
}

#[test]
fn a_file_that_is_cut_off_is_an_error_that_names_it() {
    let bytes = shop(Compression::SNAPPY);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("interactions.parquet");
    for length in [5, 20, bytes.len() / 2, bytes.len() - 1] {
        fs::write(&path, &bytes[..length]).unwrap();
        let error = read_dir(folder.path()).unwrap_err();
        assert!(matches!(error, DataError::Parquet { .. }), "{error}");
        assert!(error.to_string().contains("interactions.parquet"), "{error}");
    }
}

fn read_all(path: &Path) -> Result<usize, DataError> {
    let skip = OnRowError::Skip { at_most: 1000 };
    let (data, _) = DirReader::new().on_row_error(skip).read(path)?;
    Ok(data.events().len())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn damaged_files_are_data_or_an_error_that_names_the_file(
        flips in proptest::collection::vec((any::<usize>(), 1u8..), 1..6), cut in proptest::option::weighted(0.1, any::<usize>()), footer: bool
    ) {
        let mut bytes = shop(Compression::SNAPPY);
        let length = bytes.len();
        let from = if footer { length / 2 } else { 0 };
        flips.iter().for_each(|(at, bits)| bytes[from + at % (length - from)] ^= bits);
        bytes.truncate(cut.map_or(length, |at| at % length));
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("interactions.parquet"), bytes).unwrap();
        if let Err(error) = read_all(folder.path()) {
            prop_assert!(error.to_string().contains("interactions.parquet"), "{}", error);
        }
    }
}
