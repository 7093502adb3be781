//! Files of the GGUF format, versions 2 and 3, little-endian: what is said of a model, and its weights.
//!
//! What a file says of its own sizes is checked against its length before anything is allocated for it.

mod blocks;
mod value;

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use crate::text::TextError;
use blocks::Kind;
use value::Header;
pub(super) use value::Value;

/// Weights begin at multiples of this, unless the file says another one.
const ALIGNMENT: u64 = 32;

/// Where a weight lies.
#[derive(Clone, Debug)]
struct Weight {
    /// The row that lies together first, as the format has it: `[d_in, d_out]` of a linear map.
    shape: Vec<usize>,
    kind: Kind,
    /// From the start of the file.
    offset: u64,
}

/// An open file.
#[derive(Debug)]
pub(super) struct Gguf {
    path: PathBuf,
    values: HashMap<String, Value>,
    weights: HashMap<String, Weight>,
    file: RefCell<BufReader<File>>,
}

impl Gguf {
    /// Reads everything but the weights.
    pub(super) fn open(path: &Path) -> Result<Self, TextError> {
        let io = || TextError::io(path);
        let file = File::open(path).map_err(io())?;
        let length = file.metadata().map_err(io())?.len();
        let mut header = Header::new(path, BufReader::new(file), length);
        let magic = header.bytes::<4>()?;
        if &magic != b"GGUF" {
            return Err(TextError::file(path, format!("its first bytes are {magic:?}"), "GGUF"));
        }
        let version = header.u32()?;
        if !(2..=3).contains(&version) {
            return Err(TextError::file(path, format!("version {version}"), "2 or 3"));
        }
        let (weights, values) = (header.count("tensors")?, header.count("values")?);
        let mut said = HashMap::new();
        for _ in 0..values {
            let key = header.text()?;
            let kind = header.u32()?;
            let value = header.value(kind, &key)?;
            said.insert(key, value);
        }
        let mut found = Vec::new();
        for _ in 0..weights {
            found.push(weight(&mut header)?);
        }
        let alignment = match said.get("general.alignment") {
            Some(Value::Whole(value)) if *value > 0 && *value <= 1 << 20 => *value as u64,
            Some(value) => {
                return Err(TextError::file(path, format!("general.alignment {value:?}"), "a whole number, 1 or more"));
            }
            None => ALIGNMENT,
        };
        let start = header.position().next_multiple_of(alignment);
        let mut weights = HashMap::new();
        for (name, weight) in found {
            let size = weight.kind.bytes(weight.shape.iter().product());
            let end = start.checked_add(weight.offset).and_then(|start| start.checked_add(size?));
            if end.is_none_or(|end| end > length) {
                let found = format!("tensor {name}: {:?} from {start} + {}", weight.shape, weight.offset);
                return Err(TextError::file(path, found, format!("something within the file's {length} bytes")));
            }
            weights.insert(name, Weight { offset: start + weight.offset, ..weight });
        }
        let file = RefCell::new(header.into_file());
        Ok(Self { path: path.to_owned(), values: said, weights, file })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// A value of this name.
    pub(super) fn get(&self, key: &str) -> Option<&Value> {
        self.values.get(key)
    }

    /// Whether there is a weight of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.weights.contains_key(name)
    }

    /// The numbers of a weight of this shape, the last axis lying together, as 32-bit floats.
    pub(super) fn weight(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, TextError> {
        let wrong = |found: String| TextError::Weight {
            path: self.path.clone(),
            name: name.to_owned(),
            found,
            expected: format!("{shape:?}"),
        };
        let weight = self.weights.get(name).ok_or_else(|| wrong("is not there".to_owned()))?;
        let found: Vec<usize> = weight.shape.iter().rev().copied().collect();
        if found != shape {
            return Err(wrong(format!("shape {found:?}")));
        }
        let numbers = shape.iter().product();
        let Some(size) = weight.kind.bytes(numbers) else { return Err(wrong(format!("{numbers} numbers in blocks"))) };
        let mut bytes = vec![0; size as usize];
        let mut file = self.file.borrow_mut();
        let io = || TextError::io(&self.path);
        file.seek(SeekFrom::Start(weight.offset)).map_err(io())?;
        file.read_exact(&mut bytes).map_err(io())?;
        Ok(weight.kind.numbers(&bytes))
    }
}

/// Name, shape, kind and offset of a weight.
fn weight(header: &mut Header) -> Result<(String, Weight), TextError> {
    let name = header.text()?;
    let axes = header.u32()?;
    if axes > 4 {
        return Err(header.wrong(format!("tensor {name} has {axes} axes"), "at most 4"));
    }
    let mut shape = Vec::new();
    for _ in 0..axes {
        shape.push(header.u64()?);
    }
    let numbers = shape.iter().try_fold(1_u64, |product, &size| product.checked_mul(size));
    if numbers.is_none_or(|numbers| numbers > 1 << 40) {
        return Err(header.wrong(format!("tensor {name} has the shape {shape:?}"), "at most 2^40 numbers"));
    }
    let code = header.u32()?;
    let Some(kind) = Kind::of(code) else {
        return Err(header.wrong(format!("tensor {name} is of type {code}"), &Kind::known()));
    };
    let offset = header.u64()?;
    Ok((name, Weight { shape: shape.into_iter().map(|size| size as usize).collect(), kind, offset }))
}
