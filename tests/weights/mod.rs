//! Weights that follow a formula, as files have them: that of `golden.py` in the fixtures.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// Number `i` of the `t`-th weight by name, those of norms near 1.
pub fn number(t: usize, i: usize, norm: bool) -> f32 {
    let plain = ((i * 7 + t * 13) % 29) as f32 / 32.0 - 14.0 / 32.0;
    if norm { plain / 4.0 + 1.0 } else { plain }
}

/// The numbers of all weights, by their names.
pub fn numbers(shapes: &BTreeMap<String, Vec<usize>>, norm: impl Fn(&str) -> bool) -> BTreeMap<String, Vec<f32>> {
    let of = |(t, (name, shape)): (usize, (&String, &Vec<usize>))| {
        let numbers = (0..shape.iter().product()).map(|i| number(t, i, norm(name))).collect();
        (name.clone(), numbers)
    };
    shapes.iter().enumerate().map(of).collect()
}

/// The bytes of a file in the safetensors format: the length of a header, the header, the numbers.
pub fn safetensors(shapes: &BTreeMap<String, Vec<usize>>, numbers: &BTreeMap<String, Vec<f32>>) -> Vec<u8> {
    let (mut header, mut bytes) = (serde_json::Map::new(), Vec::<u8>::new());
    for (name, shape) in shapes {
        let from = bytes.len();
        numbers[name].iter().for_each(|value| bytes.extend(value.to_le_bytes()));
        let place = json!({ "dtype": "F32", "shape": shape, "data_offsets": [from, bytes.len()] });
        header.insert(name.clone(), place);
    }
    let header = Value::Object(header).to_string();
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &bytes].concat()
}
