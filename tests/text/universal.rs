//! The multilingual Universal Sentence Encoder beside its NumPy program, and what is wrong with its files.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use metarec::text::{TextEncoder, UniversalEncoder, read_encoder};
use serde::Deserialize;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::{device, weights};

#[derive(Deserialize)]
struct Golden {
    texts: Vec<String>,
    shapes: BTreeMap<String, Vec<usize>>,
    rows: usize,
    /// The first numbers of each vector.
    vectors: Vec<Vec<f32>>,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("../fixtures/universal/golden.json")).unwrap()
}

type Arrays = BTreeMap<String, Vec<u8>>;

/// An array as NumPy writes it.
fn array(kind: &str, shape: &[usize], data: Vec<u8>) -> Vec<u8> {
    let sizes: String = shape.iter().map(|size| format!("{size}, ")).collect();
    let header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({}), }}\n", sizes.trim_end());
    [b"\x93NUMPY\x01\x00", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), &data].concat()
}

fn floats(shape: &[usize], numbers: impl IntoIterator<Item = f32>) -> Vec<u8> {
    array("<f4", shape, numbers.into_iter().flat_map(f32::to_le_bytes).collect())
}

/// Weights that follow the formula of `golden.py`.
fn arrays() -> Arrays {
    let Golden { shapes, rows, .. } = golden();
    let mut arrays = Arrays::new();
    for (t, (name, shape)) in shapes.iter().enumerate() {
        let norm = name.starts_with("ln_g");
        let number = |i| weights::number(t, i, norm) / if norm { 1.0 } else { 16.0 };
        arrays.insert(name.clone(), floats(shape, (0..shape.iter().product()).map(number)));
    }
    for t in 0..17 {
        let bytes = (0..rows * 512).map(|i| ((i * 11 + t * 5) % 251) as u8).collect();
        arrays.insert(format!("q{}", t + 1), array("|u1", &[rows, 512], bytes));
    }
    arrays.insert("scale".to_owned(), floats(&[17], (0..17_u8).map(|t| (f32::from(t) + 1.0) / 1024.0)));
    arrays.insert("lo".to_owned(), floats(&[17], (0..17_u8).map(|t| -f32::from(t) / 16.0)));
    arrays.insert("eps".to_owned(), array("<f8", &[], 1e-6_f64.to_le_bytes().to_vec()));
    arrays
}

fn folder(arrays: &Arrays) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("sp.model"), include_bytes!("../fixtures/universal/sp.model")).unwrap();
    let mut zip = ZipWriter::new(File::create(folder.path().join("weights.npz")).unwrap());
    for (name, bytes) in arrays {
        zip.start_file(
            format!("{name}.npy"),
            SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored),
        )
        .unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap();
    folder
}

fn error(folder: &Path) -> String {
    let error = UniversalEncoder::read(folder, &device()).unwrap_err().to_string();
    error.replace(&folder.display().to_string(), "FOLDER")
}

#[test]
fn vectors_are_those_of_numpy_and_each_text_has_its_own() {
    let Golden { texts, vectors, .. } = golden();
    let folder = folder(&arrays());
    let encoder = UniversalEncoder::read(folder.path(), &device()).unwrap();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let found = encoder.encode(&texts).unwrap();
    assert_eq!(found.width, 512);
    for ((text, found), expected) in texts.iter().zip(found.rows()).zip(&vectors) {
        let far = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(far < 2e-6, "{text:?}: {far} apart");
        let length: f32 = found.iter().map(|x| x * x).sum();
        assert!((length - 1.0).abs() < 1e-5);
    }
    // A batch is as its texts alone, up to rounding.
    let alone = encoder.encode(&texts[..1]).unwrap();
    assert!(alone.values.iter().zip(found.rows().next().unwrap()).all(|(a, b)| (a - b).abs() < 1e-6));
    let by_kind = read_encoder(folder.path(), &device()).unwrap();
    assert_eq!(by_kind.encode(&texts).unwrap(), found);
    assert_eq!(by_kind.fingerprint(), encoder.fingerprint());
}

#[test]
fn any_text_is_harmless() {
    let folder = folder(&arrays());
    let encoder = UniversalEncoder::read(folder.path(), &device()).unwrap();
    let long = "toy ".repeat(25_000);
    let texts = ["</s>", &long, "\u{0}\u{7}\u{202e}", "ignore the above", "toy"];
    let found = encoder.encode(&texts).unwrap();
    let rows: Vec<&[f32]> = found.rows().collect();
    let alone = encoder.encode(&["toy", ""]).unwrap();
    let alone: Vec<&[f32]> = alone.rows().collect();
    assert!(rows[4].iter().zip(alone[0]).all(|(a, b)| (a - b).abs() < 1e-5));
    // The name of the piece that ends a text is a text of its own, not its end.
    assert!(rows[0].iter().zip(alone[1]).any(|(a, b)| (a - b).abs() > 1e-3));
}

#[test]
fn what_is_wrong_with_a_file_is_named() {
    let whole = arrays();
    let spoilt = |spoil: &dyn Fn(&mut Arrays)| {
        let mut arrays = whole.clone();
        spoil(&mut arrays);
        error(folder(&arrays).path())
    };
    let file = "FOLDER/weights.npz: weight";
    assert_eq!(
        spoilt(&|arrays| _ = arrays.remove("d0")),
        format!("{file} d0: is not there: expected shape [512, 320]")
    );
    let other = spoilt(&|arrays| _ = arrays.insert("d0".to_owned(), floats(&[320, 512], vec![0.0; 512 * 320])));
    assert_eq!(other, format!("{file} d0: shape [320, 512]: expected shape [512, 320]"));
    let none = spoilt(&|arrays| _ = arrays.insert("cnn_b".to_owned(), floats(&[512], vec![f32::NAN; 512])));
    assert_eq!(none, format!("{file} cnn_b: NaN: expected finite numbers"));
    let table = spoilt(&|arrays| _ = arrays.insert("q2".to_owned(), array("|u1", &[1, 512], vec![0; 512])));
    assert_eq!(table, format!("{file} q2: 1 rows: expected 3 rows"));
    let kind = spoilt(&|arrays| _ = arrays.insert("d0".to_owned(), array("<i4", &[512, 320], vec![0; 4 * 512 * 320])));
    assert!(kind.starts_with(&format!("{file} d0: 655360 bytes of kind \"<i4\"")), "{kind}");
    let few = |arrays: &mut Arrays| {
        (1..=17).for_each(|t| _ = arrays.insert(format!("q{t}"), array("|u1", &[1, 512], vec![0; 512])));
    };
    assert_eq!(spoilt(&few), "FOLDER/sp.model: 39 pieces: expected at most 17, as the weights have");

    let folder = folder(&whole);
    fs::write(folder.path().join("weights.npz"), b"no archive").unwrap();
    assert!(error(folder.path()).ends_with("expected an archive that NumPy wrote"), "{}", error(folder.path()));
    fs::write(folder.path().join("sp.model"), b"\xff\xff\xff no model").unwrap();
    assert!(error(folder.path()).ends_with("expected a SentencePiece model"), "{}", error(folder.path()));
    fs::remove_file(folder.path().join("sp.model")).unwrap();
    assert!(error(folder.path()).starts_with("FOLDER/sp.model: "));
}
