//! Bytes as they are, or unpacked where they begin as a gzip file does.

use std::io::{self, BufReader, Chain, Cursor, Read};

use flate2::bufread::MultiGzDecoder;

const GZIP: [u8; 2] = [0x1f, 0x8b];
const BUFFER: usize = 1 << 15;

/// A source of which the first bytes were looked at.
type Replayed<R> = Chain<Cursor<Vec<u8>>, R>;

/// Bytes as they are, or unpacked where they begin as a gzip file does; a gzip file may have several members.
#[derive(Debug)]
pub(super) enum Unpacked<R> {
    Plain(Replayed<R>),
    Gzip(Box<MultiGzDecoder<BufReader<Replayed<R>>>>),
}

impl<R: Read> Unpacked<R> {
    /// `head` are the first bytes, as [`head`] reads them, which `rest` no longer gives.
    pub fn new(head: Vec<u8>, rest: R) -> Self {
        let packed = head.starts_with(&GZIP);
        let all = Cursor::new(head).chain(rest);
        if packed {
            Self::Gzip(Box::new(MultiGzDecoder::new(BufReader::with_capacity(BUFFER, all))))
        } else {
            Self::Plain(all)
        }
    }

    /// Whether this error of reading says that the packed bytes are wrong.
    pub fn is_damage(&self, error: &io::Error) -> bool {
        use io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
        matches!(self, Self::Gzip(_)) && matches!(error.kind(), InvalidData | InvalidInput | UnexpectedEof)
    }
}

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(reader) => reader.read(buffer),
            Self::Gzip(reader) => reader.read(buffer),
        }
    }
}

/// The first bytes, by which formats are known; fewer at the end.
pub(super) fn head(reader: &mut impl Read) -> io::Result<Vec<u8>> {
    const LENGTH: usize = 5;
    let mut head = Vec::with_capacity(LENGTH);
    reader.take(LENGTH as u64).read_to_end(&mut head)?;
    Ok(head)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn pack(bytes: &[u8]) -> Vec<u8> {
        let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
        packer.write_all(bytes).unwrap();
        packer.finish().unwrap()
    }

    fn unpack(mut bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut all = Vec::new();
        let head = head(&mut bytes)?;
        Unpacked::new(head, bytes).read_to_end(&mut all)?;
        Ok(all)
    }

    #[test]
    fn all_members_are_unpacked_and_other_bytes_left_as_they_are() {
        assert_eq!(unpack(&[pack(b"user,item\n"), pack(b"u,i\n")].concat()).unwrap(), b"user,item\nu,i\n");
        for plain in [&b""[..], b"a", b"abc", b"abcde"] {
            assert_eq!(unpack(plain).unwrap(), plain);
        }
    }

    #[test]
    fn what_is_cut_off_or_damaged_is_an_error() {
        let packed = pack(&[7; 1000]);
        let mut damaged = packed.clone();
        damaged[packed.len() - 5] ^= 1;
        for bytes in [&packed[..packed.len() - 1], &packed[..5], &packed[..2], &damaged] {
            let error = unpack(bytes).unwrap_err();
            assert!(Unpacked::new(GZIP.to_vec(), &b""[..]).is_damage(&error), "{error}");
        }
    }
}
