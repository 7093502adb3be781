//! How fast events are read, and with how much memory: files of a million and of ten million made-up events.
//!
//! `cargo bench --bench read` (with `--features parquet` for those too) writes each file into a temporary folder, reads it in a
//! process of its own, and prints the time, the events per second and the peak of its memory (Linux only). `-- EVENTS` reads
//! files of other sizes.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use flate2::Compression;
use flate2::write::GzEncoder;
use metarec::data::EventReader;

type Failure = Box<dyn std::error::Error>;

/// Means the process that reads: in its environment the file.
const FILE: &str = "METAREC_BENCH_READ";

/// A user, an item, a value and a time: 100 events a user and 50,000 items, of which some are popular, in the order of time.
fn events(count: u64) -> impl Iterator<Item = (u64, u64, f64, u64)> {
    let mut state = 1_u64;
    let mut draw = move |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    (0..count).map(move |event| {
        let item = draw(50_000) * draw(50_000) / 50_000;
        (draw(count.div_ceil(100)), item, draw(10) as f64 / 2.0 + 0.5, 1_600_000_000 + event / 4)
    })
}

fn write_csv(mut out: impl Write, count: u64) -> Result<(), Failure> {
    writeln!(out, "user,item,value,timestamp")?;
    for (user, item, value, time) in events(count) {
        writeln!(out, "u{user},i{item},{value},{time}")?;
    }
    Ok(out.flush()?)
}

#[cfg(feature = "parquet")]
fn write_parquet(path: &Path, count: u64) -> Result<(), Failure> {
    use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int64Type};
    use parquet::file::properties::WriterProperties;
    use parquet::file::writer::SerializedFileWriter;

    const GROUP: usize = 1 << 20;
    let schema = "message events { required binary user (UTF8); required binary item (UTF8); required double value; required int64 timestamp; }";
    let schema = parquet::schema::parser::parse_message_type(schema)?;
    let properties = WriterProperties::builder().set_compression(parquet::basic::Compression::SNAPPY).build();
    let mut writer = SerializedFileWriter::new(File::create(path)?, schema.into(), properties.into())?;
    let mut events = events(count).peekable();
    while events.peek().is_some() {
        let rows: Vec<_> = events.by_ref().take(GROUP).collect();
        let mut group = writer.next_row_group()?;
        let texts = |text: fn(&(u64, u64, f64, u64)) -> String| -> Vec<ByteArray> {
            rows.iter().map(|row| ByteArray::from(text(row).into_bytes())).collect()
        };
        for texts in [texts(|row| format!("u{}", row.0)), texts(|row| format!("i{}", row.1))] {
            let mut column = group.next_column()?.ok_or("a column")?;
            column.typed::<ByteArrayType>().write_batch(&texts, None, None)?;
            column.close()?;
        }
        let mut column = group.next_column()?.ok_or("a column")?;
        column.typed::<DoubleType>().write_batch(&rows.iter().map(|row| row.2).collect::<Vec<_>>(), None, None)?;
        column.close()?;
        let mut column = group.next_column()?.ok_or("a column")?;
        column.typed::<Int64Type>().write_batch(
            &rows.iter().map(|row| row.3 as i64).collect::<Vec<_>>(),
            None,
            None,
        )?;
        column.close()?;
        group.close()?;
    }
    writer.close()?;
    Ok(())
}

/// The most memory that this process has held so far, in MB; `None` where that is not told.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok().map(|kilobytes| kilobytes * 1024 / 1_000_000)
}

fn read(path: &Path) -> Result<(), Failure> {
    let before = peak().unwrap_or(0);
    let start = Instant::now();
    let reader = EventReader::csv().value_column("value").timestamp_column("timestamp");
    let (data, _) = reader.read_dataset(path)?;
    let seconds = start.elapsed().as_secs_f64();
    let (events, users, items) = (data.events().len(), data.users().len(), data.catalogue().len());
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let size = path.metadata()?.len() / 1_000_000;
    let memory = peak().map_or("peak unknown".to_owned(), |peak| format!("peak {peak} MB ({before} before)"));
    println!(
        "{name:<16} {size:>4} MB  {events:>9} events of {users} users and {items} items  {seconds:>6.2} s  {:>6.2} million a second  {memory}",
        events as f64 / seconds / 1e6
    );
    Ok(())
}

fn main() -> Result<(), Failure> {
    if let Some(path) = std::env::var_os(FILE) {
        return read(path.as_ref());
    }
    let sizes: Vec<u64> = std::env::args().skip(1).filter_map(|argument| argument.parse().ok()).collect();
    let sizes = if sizes.is_empty() { vec![1_000_000, 10_000_000] } else { sizes };
    let folder = std::env::temp_dir().join(format!("metarec-bench-read-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    for count in sizes {
        let path = folder.join("events.csv");
        write_csv(BufWriter::new(File::create(&path)?), count)?;
        apart(&path)?;
        let path = folder.join("events.csv.gz");
        let packer = GzEncoder::new(BufWriter::new(File::create(&path)?), Compression::fast());
        write_csv(BufWriter::new(packer), count)?;
        apart(&path)?;
        #[cfg(feature = "parquet")]
        {
            let path = folder.join("events.parquet");
            write_parquet(&path, count)?;
            apart(&path)?;
        }
    }
    Ok(std::fs::remove_dir_all(folder)?)
}

/// Reads a file in a process of its own, whose peak of memory is that of the reading.
fn apart(path: &Path) -> Result<(), Failure> {
    let status = Command::new(std::env::current_exe()?).env(FILE, path).status()?;
    if status.success() { Ok(()) } else { Err(format!("reading ended with {status}").into()) }
}
