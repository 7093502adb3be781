//! How single values of Parquet are written as text.

use std::fmt::Display;
use std::io::Write;

use ::parquet::basic::{ConvertedType, LogicalType, TimeUnit, Type};
use ::parquet::schema::types::ColumnDescriptor;

const SECONDS_A_DAY: i64 = 86_400;

/// What the values of a column mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// As they are: text, numbers, booleans.
    Plain,
    /// Whole numbers of which the first bit is no sign.
    Unsigned,
    /// Whole numbers with so many of their digits behind the point.
    Decimal(usize),
    /// Times: so many in a second.
    Parts(i64),
    /// Days since the epoch.
    Days,
    /// 16 bytes of a UUID.
    Uuid,
}

impl Kind {
    /// `None` for what has no text.
    pub fn of(column: &ColumnDescriptor) -> Option<Self> {
        if column.physical_type() == Type::INT96 {
            return Some(Self::Plain);
        }
        match column.logical_type_ref() {
            Some(LogicalType::Timestamp(of)) => Some(Self::Parts(match of.unit {
                TimeUnit::MILLIS => 1_000,
                TimeUnit::MICROS => 1_000_000,
                TimeUnit::NANOS => 1_000_000_000,
            })),
            Some(LogicalType::Date) => Some(Self::Days),
            Some(LogicalType::Integer(of)) if !of.is_signed => Some(Self::Unsigned),
            Some(LogicalType::Decimal(of)) => Self::decimal(of.scale),
            Some(LogicalType::Uuid) => Some(Self::Uuid),
            Some(LogicalType::Float16 | LogicalType::Bson | LogicalType::Variant(_)) => None,
            Some(LogicalType::Geometry(_) | LogicalType::Geography(_)) => None,
            _ => Self::of_converted(column),
        }
    }

    /// As files said it that were written before there were logical types.
    fn of_converted(column: &ColumnDescriptor) -> Option<Self> {
        match column.converted_type() {
            ConvertedType::TIMESTAMP_MILLIS => Some(Self::Parts(1_000)),
            ConvertedType::TIMESTAMP_MICROS => Some(Self::Parts(1_000_000)),
            ConvertedType::DATE => Some(Self::Days),
            ConvertedType::UINT_8 | ConvertedType::UINT_16 | ConvertedType::UINT_32 | ConvertedType::UINT_64 => {
                Some(Self::Unsigned)
            }
            ConvertedType::DECIMAL => Self::decimal(column.type_scale()),
            ConvertedType::INTERVAL | ConvertedType::BSON => None,
            _ => Some(Self::Plain),
        }
    }

    /// With more digits than an `i128` has, a number is no such decimal.
    fn decimal(scale: i32) -> Option<Self> {
        usize::try_from(scale).ok().filter(|&scale| scale <= 38).map(Self::Decimal)
    }

    pub fn bool(self, value: bool, out: &mut Vec<u8>) {
        out.extend_from_slice(if value { b"true" } else { b"false" });
    }

    pub fn i32(self, value: i32, out: &mut Vec<u8>) {
        match self {
            Self::Unsigned => put(out, value.cast_unsigned()),
            _ => self.i64(value.into(), out),
        }
    }

    pub fn i64(self, value: i64, out: &mut Vec<u8>) {
        match self {
            Self::Plain | Self::Uuid => put(out, value),
            Self::Unsigned => put(out, value.cast_unsigned()),
            Self::Decimal(scale) => decimal(value.into(), scale, out),
            Self::Parts(second) => put(out, value.div_euclid(second)),
            Self::Days => put(out, i128::from(value) * i128::from(SECONDS_A_DAY)),
        }
    }

    pub fn number(self, value: impl Display, out: &mut Vec<u8>) {
        put(out, value);
    }

    pub fn bytes(self, value: &[u8], out: &mut Vec<u8>) {
        match self {
            Self::Decimal(scale) if value.len() <= 16 => {
                let negative = value.first().is_some_and(|&byte| byte >= 0x80);
                let fill = if negative { -1 } else { 0 };
                let whole = value.iter().fold(fill, |whole: i128, &byte| whole << 8 | i128::from(byte));
                decimal(whole, scale, out);
            }
            Self::Uuid => {
                for (place, byte) in value.iter().enumerate() {
                    if matches!(place, 4 | 6 | 8 | 10) {
                        out.push(b'-');
                    }
                    put(out, format_args!("{byte:02x}"));
                }
            }
            _ => out.extend_from_slice(value),
        }
    }
}

/// Writing to memory does not fail.
fn put(out: &mut Vec<u8>, value: impl Display) {
    let _ = write!(out, "{value}");
}

fn decimal(whole: i128, scale: usize, out: &mut Vec<u8>) {
    if whole < 0 {
        out.push(b'-');
    }
    let digits = format!("{:0width$}", whole.unsigned_abs(), width = scale + 1);
    let (before, after) = digits.split_at(digits.len() - scale);
    out.extend_from_slice(before.as_bytes());
    if scale > 0 {
        out.push(b'.');
        out.extend_from_slice(after.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn times_are_whole_seconds_since_the_epoch() {
        assert_eq!(text(|out| Kind::Parts(1000).i64(1_700_000_000_999, out)), "1700000000");
        assert_eq!(text(|out| Kind::Parts(1000).i64(-1, out)), "-1");
        assert_eq!(text(|out| Kind::Days.i32(19_000, out)), "1641600000");
        assert_eq!(text(|out| Kind::Days.i64(i64::MAX, out)).len(), 24);
    }

    #[test]
    fn decimals_have_their_point_where_the_scale_says() {
        for (whole, scale, expected) in [(12_345, 2, "123.45"), (-5, 2, "-0.05"), (7, 0, "7"), (0, 3, "0.000")] {
            assert_eq!(text(|out| Kind::Decimal(scale).i64(whole, out)), expected);
            let bytes = whole.to_be_bytes();
            assert_eq!(text(|out| Kind::Decimal(scale).bytes(&bytes, out)), expected);
        }
        assert_eq!(text(|out| Kind::Decimal(1).bytes(&i128::MIN.to_be_bytes(), out)).len(), 41);
    }

    #[test]
    fn numbers_without_a_sign_have_none() {
        assert_eq!(text(|out| Kind::Unsigned.i32(-1, out)), "4294967295");
        assert_eq!(text(|out| Kind::Unsigned.i64(-1, out)), "18446744073709551615");
        assert_eq!(text(|out| Kind::Plain.i64(-1, out)), "-1");
    }

    #[test]
    fn a_uuid_has_its_dashes() {
        let bytes: Vec<u8> = (0..16).collect();
        assert_eq!(text(|out| Kind::Uuid.bytes(&bytes, out)), "00010203-0405-0607-0809-0a0b0c0d0e0f");
    }
}
