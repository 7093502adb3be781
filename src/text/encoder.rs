//! Texts in, vectors out.

use crate::text::TextError;

/// The vectors of some texts.
#[derive(Clone, Debug, PartialEq)]
pub struct TextVectors {
    /// Length of each vector.
    pub width: usize,
    /// Row by row, `[texts, width]`.
    pub values: Vec<f32>,
}

impl TextVectors {
    /// The vector of each text, in their order.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &[f32]> {
        self.values.chunks_exact(self.width.max(1))
    }
}

/// A frozen model that turns texts into vectors, so that texts of like meaning lie close together.
///
/// It is asked ahead of time, once for each text of a catalogue; a [`CachedEncoder`](crate::text::CachedEncoder) remembers what it said.
/// A model whose weights are to be trained on is a field of a preference model instead.
///
/// ```
/// use metarec::text::{TextEncoder, TextError, TextVectors};
///
/// /// How often each letter stands in a text.
/// struct Letters;
///
/// impl TextEncoder for Letters {
///     fn width(&self) -> usize {
///         26
///     }
///
///     fn fingerprint(&self) -> String {
///         "letters 1".to_owned()
///     }
///
///     fn encode(&self, texts: &[&str]) -> Result<TextVectors, TextError> {
///         let count = |text: &&str| {
///             ('a'..='z').map(|letter| text.chars().filter(|&c| c == letter).count() as f32).collect::<Vec<_>>()
///         };
///         Ok(TextVectors { width: 26, values: texts.iter().flat_map(count).collect() })
///     }
/// }
///
/// let encoder: Box<dyn TextEncoder> = Box::new(Letters);
/// assert_eq!(encoder.encode(&["abba"])?.values[..3], [2.0, 2.0, 0.0]);
/// # Ok::<(), TextError>(())
/// ```
pub trait TextEncoder: Send + Sync {
    /// Length of the vectors.
    fn width(&self) -> usize;

    /// What vectors depend on besides the text: a digest of weights, tokens and settings. Two encoders of one fingerprint give the same vectors.
    fn fingerprint(&self) -> String;

    /// A vector for each text, `[texts, width]`, in their order. Texts are data: whatever stands in one, it changes no other's vector.
    ///
    /// # Errors
    /// If the model can't be asked. An empty text is no error: it has a vector too.
    fn encode(&self, texts: &[&str]) -> Result<TextVectors, TextError>;
}

impl<E: TextEncoder + ?Sized> TextEncoder for &E {
    fn width(&self) -> usize {
        (**self).width()
    }

    fn fingerprint(&self) -> String {
        (**self).fingerprint()
    }

    fn encode(&self, texts: &[&str]) -> Result<TextVectors, TextError> {
        (**self).encode(texts)
    }
}

impl<E: TextEncoder + ?Sized> TextEncoder for Box<E> {
    fn width(&self) -> usize {
        (**self).width()
    }

    fn fingerprint(&self) -> String {
        (**self).fingerprint()
    }

    fn encode(&self, texts: &[&str]) -> Result<TextVectors, TextError> {
        (**self).encode(texts)
    }
}
