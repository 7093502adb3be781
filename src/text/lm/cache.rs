//! Keys and values of what was read, so that the next token reads itself alone.

use burn::Tensor;

/// Keys and values of every layer, each `[texts, heads, tokens, d_head]`.
#[derive(Clone, Debug, Default)]
pub(super) struct KeyValues {
    layers: Vec<(Tensor<4>, Tensor<4>)>,
    tokens: usize,
}

impl KeyValues {
    /// How many tokens were read.
    pub(super) fn len(&self) -> usize {
        self.tokens
    }

    /// Adds what `layer` made of new tokens, and gives that of all.
    pub(super) fn extend(&mut self, layer: usize, key: Tensor<4>, value: Tensor<4>) -> (Tensor<4>, Tensor<4>) {
        let all = match self.layers.get(layer) {
            Some((keys, values)) => {
                (Tensor::cat(vec![keys.clone(), key], 2), Tensor::cat(vec![values.clone(), value], 2))
            }
            None => (key, value),
        };
        match self.layers.get_mut(layer) {
            Some(place) => *place = all.clone(),
            None => self.layers.push(all.clone()),
        }
        all
    }

    /// Says that all layers have read so many tokens more.
    pub(super) fn read(&mut self, tokens: usize) {
        self.tokens += tokens;
    }

    /// The same for `texts` texts that begin alike, of one text.
    pub(super) fn repeated(&self, texts: usize) -> Self {
        let repeat = |tensor: &Tensor<4>| tensor.clone().repeat_dim(0, texts);
        let layers = self.layers.iter().map(|(keys, values)| (repeat(keys), repeat(values))).collect();
        Self { layers, tokens: self.tokens }
    }
}
