//! The weights, from NumPy's archive.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use burn::Tensor;
use burn::tensor::{Device, TensorData};
use zip::ZipArchive;
use zip::result::ZipError;

use super::module::{Branch, CHANNELS, Deep, Linear, Module, Norm, TABLES, WIDTH, WINDOWS, Words};
use super::npy::Array;
use crate::text::TextError;

/// Width of the first two layers over the sum.
const HIDDEN: usize = 320;
/// Bytes of an array at most: the greatest have 4 million.
const LARGEST: u64 = 1 << 24;

struct Archive<'a> {
    path: &'a Path,
    zip: ZipArchive<BufReader<File>>,
    device: &'a Device,
}

impl Archive<'_> {
    fn wrong(&self, name: &str, found: impl Into<String>, expected: impl Into<String>) -> TextError {
        TextError::Weight {
            path: self.path.to_owned(),
            name: name.to_owned(),
            found: found.into(),
            expected: expected.into(),
        }
    }

    /// The numbers of an array whose shape must be `shape`; 0 for any length.
    fn numbers<T>(
        &mut self,
        name: &str,
        shape: &[usize],
        read: impl FnOnce(&Array<'_>) -> Result<Vec<T>, String>,
    ) -> Result<Vec<T>, TextError> {
        let bytes = match self.zip.by_name(&format!("{name}.npy")) {
            Ok(entry) => {
                let mut bytes = Vec::new();
                match entry.take(LARGEST + 1).read_to_end(&mut bytes) {
                    Ok(length) if length as u64 > LARGEST => Err(format!("more than {LARGEST} bytes")),
                    Ok(_) => Ok(bytes),
                    Err(error) => Err(error.to_string()),
                }
            }
            Err(ZipError::FileNotFound) => Err("is not there".to_owned()),
            Err(error) => Err(error.to_string()),
        };
        let numbers = bytes.and_then(|bytes| {
            let array = Array::of(&bytes)?;
            let fits = |(&found, &wanted): (&usize, &usize)| wanted == 0 || found == wanted;
            if array.shape.len() != shape.len() || !array.shape.iter().zip(shape).all(fits) {
                return Err(format!("shape {:?}", array.shape));
            }
            read(&array)
        });
        numbers.map_err(|found| self.wrong(name, found, format!("shape {shape:?}")))
    }

    fn floats(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>, TextError> {
        let numbers = self.numbers(name, shape, |array| array.floats())?;
        match numbers.iter().find(|number| !number.is_finite()) {
            Some(number) => Err(self.wrong(name, number.to_string(), "finite numbers")),
            None => Ok(numbers),
        }
    }

    fn tensor<const D: usize>(&mut self, name: &str, shape: [usize; D]) -> Result<Tensor<D>, TextError> {
        Ok(Tensor::from_data(TensorData::new(self.floats(name, &shape)?, shape), self.device))
    }

    fn linear(&mut self, weight: &str, bias: &str, from: usize, to: usize) -> Result<Linear, TextError> {
        Ok(Linear { weight: self.tensor(weight, [from, to])?, bias: self.tensor(bias, [to])? })
    }

    fn norm(&mut self, suffix: &str, width: usize, epsilon: f32) -> Result<Norm, TextError> {
        let (gamma, beta) = (format!("ln_g{suffix}"), format!("ln_b{suffix}"));
        Ok(Norm { gamma: self.tensor(&gamma, [width])?, beta: self.tensor(&beta, [width])?, epsilon })
    }

    /// The normalisation of what all convolutions read, of which the file has a part for each of them.
    fn norm_before(&mut self, epsilon: f32) -> Result<Norm, TextError> {
        let (mut gamma, mut beta) = (Vec::new(), Vec::new());
        for (window, _) in WINDOWS {
            let part = self.norm(&window.to_string(), CHANNELS, epsilon)?;
            gamma.push(part.gamma);
            beta.push(part.beta);
        }
        Ok(Norm { gamma: Tensor::cat(gamma, 0), beta: Tensor::cat(beta, 0), epsilon })
    }

    fn words(&mut self) -> Result<Words, TextError> {
        let bytes: Vec<Vec<u8>> = (1..=TABLES)
            .map(|table| self.numbers(&format!("q{table}"), &[0, WIDTH], |array| array.bytes()))
            .collect::<Result<_, _>>()?;
        if let Some(at) = bytes.iter().position(|table| table.len() != bytes[0].len()) {
            let rows = |table: &Vec<u8>| format!("{} rows", table.len() / WIDTH);
            return Err(self.wrong(&format!("q{}", at + 1), rows(&bytes[at]), rows(&bytes[0])));
        }
        Ok(Words { bytes, scale: self.floats("scale", &[TABLES])?, low: self.floats("lo", &[TABLES])? })
    }

    fn branch(&mut self, window: usize) -> Result<Branch, TextError> {
        let mut layer =
            |nth| self.linear(&format!("w{nth}_{window}"), &format!("b{nth}_{window}"), window * CHANNELS, CHANNELS);
        let layers = [layer(1)?, layer(2)?];
        let project = self.linear(&format!("proj{window}"), &format!("proj_b{window}"), WIDTH, CHANNELS)?;
        Ok(Branch { project, layers })
    }

    fn deep(&mut self, epsilon: f32) -> Result<Deep, TextError> {
        Ok(Deep {
            sum: self.linear("cnn_W", "cnn_b", WIDTH + WINDOWS.len() * CHANNELS, WIDTH)?,
            first: self.tensor("d0", [WIDTH, HIDDEN])?,
            second: self.tensor("d1", [HIDDEN, HIDDEN])?,
            around_two: self.tensor("p1", [WIDTH, HIDDEN])?,
            third: self.tensor("d2", [HIDDEN, WIDTH])?,
            fourth: self.tensor("d3", [WIDTH, WIDTH])?,
            around_four: self.tensor("p3", [HIDDEN, WIDTH])?,
            epsilon,
        })
    }
}

pub(super) fn read(path: &Path, device: &Device) -> Result<Module, TextError> {
    let file = File::open(path).map_err(TextError::io(path))?;
    let zip = ZipArchive::new(BufReader::new(file))
        .map_err(|error| TextError::file(path, error.to_string(), "an archive that NumPy wrote"))?;
    let mut archive = Archive { path, zip, device };
    let epsilon = archive.numbers("eps", &[], |array| array.doubles())?;
    let epsilon = epsilon.first().map(|epsilon| *epsilon as f32).filter(|epsilon| *epsilon > 0.0 && *epsilon < 1.0);
    let epsilon = epsilon.ok_or_else(|| archive.wrong("eps", "no small number", "a number above 0 and below 1"))?;
    let words = archive.words()?;
    let [(a, _), (b, _), (c, _)] = WINDOWS;
    let branches = [archive.branch(a)?, archive.branch(b)?, archive.branch(c)?];
    let norm = archive.norm("", WIDTH + WINDOWS.len() * CHANNELS, epsilon)?;
    let norm_before = archive.norm_before(epsilon)?;
    Ok(Module { words, branches, norm_before, norm, deep: archive.deep(epsilon)?, device: device.clone() })
}
