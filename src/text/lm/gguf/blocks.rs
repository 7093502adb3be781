//! Numbers as GGUF packs them.

use half::{bf16, f16};

/// How numbers are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    F32,
    F16,
    Bf16,
    /// Blocks of 32: a scale and numbers of 4 bits from -8.
    Q4_0,
    /// Blocks of 32: a scale, a least value and numbers of 4 bits from 0.
    Q4_1,
    /// Blocks of 32: a scale and numbers of 8 bits.
    Q8_0,
}

const ALL: [(u32, Kind, &str); 6] = [
    (0, Kind::F32, "F32"),
    (1, Kind::F16, "F16"),
    (2, Kind::Q4_0, "Q4_0"),
    (3, Kind::Q4_1, "Q4_1"),
    (8, Kind::Q8_0, "Q8_0"),
    (30, Kind::Bf16, "BF16"),
];

/// Numbers of a block.
const BLOCK: usize = 32;

impl Kind {
    pub(super) fn of(code: u32) -> Option<Self> {
        ALL.into_iter().find(|(known, ..)| *known == code).map(|(_, kind, _)| kind)
    }

    /// The kinds that can be read, with their codes.
    pub(super) fn known() -> String {
        ALL.map(|(code, _, name)| format!("{name} ({code})")).join(", ")
    }

    /// Numbers that lie in one piece, and its bytes.
    fn piece(self) -> (usize, usize) {
        match self {
            Self::F32 => (1, 4),
            Self::F16 | Self::Bf16 => (1, 2),
            Self::Q4_0 => (BLOCK, 2 + BLOCK / 2),
            Self::Q4_1 => (BLOCK, 4 + BLOCK / 2),
            Self::Q8_0 => (BLOCK, 2 + BLOCK),
        }
    }

    /// How many bytes so many numbers take; `None` if they are no whole blocks.
    pub(super) fn bytes(self, numbers: usize) -> Option<u64> {
        let (count, bytes) = self.piece();
        numbers.is_multiple_of(count).then(|| (numbers / count) as u64 * bytes as u64)
    }

    /// The numbers of whole pieces.
    pub(super) fn numbers(self, bytes: &[u8]) -> Vec<f32> {
        let (count, size) = self.piece();
        let mut numbers = Vec::with_capacity(bytes.len() / size * count);
        for piece in bytes.chunks_exact(size) {
            let half = |at: usize| f16::from_le_bytes([piece[at], piece[at + 1]]).to_f32();
            match self {
                Self::F32 => numbers.push(f32::from_le_bytes([piece[0], piece[1], piece[2], piece[3]])),
                Self::F16 => numbers.push(half(0)),
                Self::Bf16 => numbers.push(bf16::from_le_bytes([piece[0], piece[1]]).to_f32()),
                Self::Q4_0 => numbers.extend(nibbles(&piece[2..]).map(|number| (f32::from(number) - 8.0) * half(0))),
                Self::Q4_1 => numbers.extend(nibbles(&piece[4..]).map(|number| f32::from(number) * half(0) + half(2))),
                Self::Q8_0 => numbers.extend(piece[2..].iter().map(|&byte| f32::from(byte as i8) * half(0))),
            }
        }
        numbers
    }
}

/// The lower halves of all bytes, then the upper ones.
fn nibbles(bytes: &[u8]) -> impl Iterator<Item = u8> + '_ {
    bytes.iter().map(|byte| byte & 15).chain(bytes.iter().map(|byte| byte >> 4))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn half(value: f32) -> [u8; 2] {
        f16::from_f32(value).to_le_bytes()
    }

    #[test]
    fn plain_numbers_are_read_as_they_are() {
        assert_eq!(Kind::F32.numbers(&[1.5_f32.to_le_bytes(), (-2.0_f32).to_le_bytes()].concat()), [1.5, -2.0]);
        assert_eq!(Kind::F16.numbers(&[half(0.25), half(-3.0)].concat()), [0.25, -3.0]);
        assert_eq!(Kind::Bf16.numbers(&bf16::from_f32(-1.5).to_le_bytes()), [-1.5]);
    }

    #[test]
    fn blocks_are_scaled() {
        let bytes: Vec<u8> = (0..16).map(|at| at | (15 - at) << 4).collect();
        let four_bits: Vec<f32> = (0..16_u8).chain((0..16).rev()).map(f32::from).collect();
        let from_eight: Vec<f32> = four_bits.iter().map(|number| (number - 8.0) * 0.5).collect();
        assert_eq!(Kind::Q4_0.numbers(&[&half(0.5)[..], &bytes].concat()), from_eight);
        let from_least: Vec<f32> = four_bits.iter().map(|number| number * 0.5 - 1.0).collect();
        assert_eq!(Kind::Q4_1.numbers(&[&half(0.5)[..], &half(-1.0), &bytes].concat()), from_least);
        let eight_bits: Vec<u8> = (0..32).map(|at| (at * 8) as u8).collect();
        let expected: Vec<f32> = eight_bits.iter().map(|&byte| f32::from(byte as i8) * 2.0).collect();
        assert_eq!(Kind::Q8_0.numbers(&[&half(2.0)[..], &eight_bits].concat()), expected);
    }

    #[test]
    fn only_whole_blocks_have_a_size() {
        assert_eq!(Kind::Q4_1.bytes(64), Some(40));
        assert_eq!(Kind::Q4_1.bytes(33), None);
        assert_eq!(Kind::F16.bytes(3), Some(6));
        assert_eq!(Kind::of(14), None);
    }
}
