//! NumPy's arrays: a line that says kind and shape, and the numbers.
//!
//! The crates that read them bring a parser of Python's literals with its compiler; the three fields that NumPy writes need none.

/// Bytes of a header at most: NumPy writes 128 for the arrays that are read here.
const LONGEST_HEADER: u32 = 1 << 12;

/// An array of which the kind is not yet checked.
#[derive(Debug, PartialEq)]
pub(super) struct Array<'a> {
    kind: &'a str,
    pub(super) shape: Vec<usize>,
    data: &'a [u8],
}

impl<'a> Array<'a> {
    /// The array in the bytes of a file; what is wrong with them, if they hold none.
    pub(super) fn of(bytes: &'a [u8]) -> Result<Self, String> {
        let rest = bytes.strip_prefix(b"\x93NUMPY").ok_or("no NumPy array")?;
        let (length, rest) = match rest {
            [1, _, a, b, rest @ ..] => (u32::from(u16::from_le_bytes([*a, *b])), rest),
            [2 | 3, _, a, b, c, d, rest @ ..] => (u32::from_le_bytes([*a, *b, *c, *d]), rest),
            _ => return Err("a NumPy array of an unknown version".to_owned()),
        };
        if length > LONGEST_HEADER {
            return Err(format!("a header of {length} bytes"));
        }
        let (header, data) = rest.split_at_checked(length as usize).ok_or("an array that ends in its header")?;
        let header = str::from_utf8(header).map_err(|_| "a header that is no text")?;
        let after = |name: &str| {
            let found = header.split_once(&format!("'{name}':")).map(|(_, rest)| rest.trim_start());
            found.ok_or_else(|| format!("a header without {name:?}"))
        };
        let kind = after("descr")?.strip_prefix('\'').and_then(|rest| rest.split('\'').next()).ok_or("no kind")?;
        if !after("fortran_order")?.starts_with("False") {
            return Err("columns one after the other".to_owned());
        }
        let shape = after("shape")?.strip_prefix('(').and_then(|rest| rest.split(')').next()).ok_or("no shape")?;
        let sizes = shape.split(',').map(str::trim).filter(|size| !size.is_empty());
        let shape = sizes.map(|size| size.parse().map_err(|_| format!("shape ({shape})"))).collect::<Result<_, _>>()?;
        Ok(Self { kind, shape, data })
    }

    fn items<const N: usize>(&self, kind: &str) -> Result<impl Iterator<Item = [u8; N]>, String> {
        let count = self.shape.iter().try_fold(1_usize, |count, &size| count.checked_mul(size));
        if self.kind != kind || count.and_then(|count| count.checked_mul(N)) != Some(self.data.len()) {
            return Err(format!("{} bytes of kind {:?}, shape {:?}", self.data.len(), self.kind, self.shape));
        }
        Ok(self.data.as_chunks().0.iter().copied())
    }

    /// 32-bit floats.
    pub(super) fn floats(&self) -> Result<Vec<f32>, String> {
        Ok(self.items("<f4")?.map(f32::from_le_bytes).collect())
    }

    /// 64-bit floats.
    pub(super) fn doubles(&self) -> Result<Vec<f64>, String> {
        Ok(self.items("<f8")?.map(f64::from_le_bytes).collect())
    }

    /// Bytes.
    pub(super) fn bytes(&self) -> Result<Vec<u8>, String> {
        Ok(self.items("|u1")?.map(|[byte]| byte).collect())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn array(header: &str, data: &[u8]) -> Vec<u8> {
        [b"\x93NUMPY\x01\x00", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), data].concat()
    }

    #[test]
    fn numbers_are_those_that_numpy_wrote() {
        // What numpy.save writes of numpy.array([[1.5, -2.0]], dtype="<f4").
        let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }      \n";
        let bytes = array(header, &[0, 0, 0xc0, 0x3f, 0, 0, 0, 0xc0]);
        let found = Array::of(&bytes).unwrap();
        assert_eq!((found.shape.as_slice(), found.floats().unwrap()), (&[1, 2][..], vec![1.5, -2.0]));
        assert_eq!(found.bytes().unwrap_err(), "8 bytes of kind \"<f4\", shape [1, 2]");
        let one = array("{'descr': '<f8', 'fortran_order': False, 'shape': (), }\n", &2.5_f64.to_le_bytes());
        assert_eq!(Array::of(&one).unwrap().doubles().unwrap(), [2.5]);
        let short = array(header, &[0; 7]);
        assert!(Array::of(&short).unwrap().floats().is_err());
        for wrong in ["{'descr': '<f4', 'fortran_order': True, 'shape': (1,), }", "{'descr': '<f4'}", "{'shape': (x,)}"]
        {
            assert!(Array::of(&array(wrong, &[])).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_an_array_or_refused(
            head in prop::sample::select(vec![&b"\x93NUMPY\x01\x00"[..], &b"\x93NUMPY\x02\x00"[..], &[]]),
            length: u16, text in r"[\{'descrfotan_hp:,()<4f0-9 \}]{0,80}", data: Vec<u8>,
        ) {
            let bytes = [head, &length.to_le_bytes(), text.as_bytes(), &data].concat();
            if let Ok(array) = Array::of(&bytes) {
                let _ = (array.floats(), array.doubles(), array.bytes());
            }
        }
    }
}
