//! The encoder as a module of Burn, which can be trained like any other.

use burn::Tensor;
use burn::module::Module;
use burn::nn::{Embedding, EmbeddingConfig, LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::tensor::activation::{gelu, relu, softmax};
use burn::tensor::{Device, Int, TensorData};

use super::config::BertConfig;

/// Added to the scores of what is no token.
const MASKED: f32 = -1e4;

#[derive(Module, Debug)]
struct Embeddings {
    word_embeddings: Embedding,
    position_embeddings: Embedding,
    token_type_embeddings: Embedding,
    norm: LayerNorm,
}

#[derive(Module, Debug)]
struct Layer {
    query: Linear,
    key: Linear,
    value: Linear,
    attended: Linear,
    attention_norm: LayerNorm,
    widen: Linear,
    narrow: Linear,
    norm: LayerNorm,
}

/// An encoder of BERT's family: bidirectional attention over all tokens of a text, normalised after each sum (Devlin et al., 2018,
/// "BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding"; Liu et al., 2019, "RoBERTa").
///
/// [`BertEncoder`](super::BertEncoder) is the frozen form. A model that fine-tunes an encoder has this as a field.
#[derive(Module, Debug)]
pub struct BertModule {
    embeddings: Embeddings,
    layers: Vec<Layer>,
    heads: usize,
    first_position: usize,
    gelu: bool,
}

/// Texts as numbers of tokens, the longest as long as the batch is wide.
#[derive(Clone, Debug, PartialEq)]
pub struct TokenBatch {
    /// `[texts, width]`, row by row, filled up with any token.
    pub(super) tokens: Vec<i32>,
    /// How many of each row are tokens of its text.
    pub(super) lengths: Vec<usize>,
    pub(super) width: usize,
}

impl TokenBatch {
    /// A batch of texts, each a list of tokens; `pad` fills up the shorter ones.
    #[must_use]
    pub fn new(texts: &[&[u32]], pad: u32) -> Self {
        let lengths: Vec<usize> = texts.iter().map(|text| text.len()).collect();
        let width = lengths.iter().copied().max().unwrap_or(0);
        let row = |text: &&[u32]| {
            let filled = text.iter().copied().chain(std::iter::repeat(pad)).take(width);
            filled.map(|token| token as i32).collect::<Vec<_>>()
        };
        Self { tokens: texts.iter().flat_map(row).collect(), lengths, width }
    }

    /// `[texts, width]`: 1 where a token is, else 0.
    #[must_use]
    pub fn mask(&self, device: &Device) -> Tensor<2> {
        let row = |&length: &usize| (0..self.width).map(move |at| if at < length { 1.0_f32 } else { 0.0 });
        let mask: Vec<f32> = self.lengths.iter().flat_map(row).collect();
        Tensor::from_data(TensorData::new(mask, [self.lengths.len(), self.width]), device)
    }

    fn ragged(&self) -> bool {
        self.lengths.iter().any(|&length| length < self.width)
    }
}

impl BertModule {
    /// A module of these sizes with weights drawn at random, on a plain device or one with gradients.
    #[must_use]
    pub fn new(config: &BertConfig, device: &Device) -> Self {
        let d = config.hidden_size;
        let table = |rows| EmbeddingConfig::new(rows, d).init(device);
        let norm = || LayerNormConfig::new(d).with_epsilon(config.layer_norm_eps).init(device);
        let linear = |from, to| LinearConfig::new(from, to).init(device);
        let layer = |_| Layer {
            query: linear(d, d),
            key: linear(d, d),
            value: linear(d, d),
            attended: linear(d, d),
            attention_norm: norm(),
            widen: linear(d, config.intermediate_size),
            narrow: linear(config.intermediate_size, d),
            norm: norm(),
        };
        Self {
            embeddings: Embeddings {
                word_embeddings: table(config.vocab_size),
                position_embeddings: table(config.max_position_embeddings),
                token_type_embeddings: table(config.type_vocab_size),
                norm: norm(),
            },
            layers: (0..config.num_hidden_layers).map(layer).collect(),
            heads: config.num_attention_heads,
            first_position: config.first_position(),
            gelu: config.hidden_act == "gelu",
        }
    }

    /// The last layer's state of every token, `[texts, width, hidden_size]`; what stands where a text has no token means nothing.
    ///
    /// # Panics
    /// If a token is not of the vocabulary, or a text longer than there are positions.
    #[must_use]
    pub fn forward(&self, batch: &TokenBatch) -> Tensor<3> {
        let (texts, width) = (batch.lengths.len(), batch.width);
        let words = &self.embeddings.word_embeddings;
        let device = words.weight.val().device();
        let tokens = Tensor::<2, Int>::from_data(TensorData::new(batch.tokens.clone(), [texts, width]), &device);
        let (first, positions) = (self.first_position, self.embeddings.position_embeddings.weight.val());
        let positions = positions.narrow(0, first, width).unsqueeze::<3>();
        let segment = self.embeddings.token_type_embeddings.weight.val().narrow(0, 0, 1).unsqueeze::<3>();
        let mut states = self.embeddings.norm.forward(words.forward(tokens) + positions + segment);
        let bias = batch.ragged().then(|| {
            let mask = batch.mask(&device);
            ((mask.neg() + 1.0) * MASKED).reshape([texts, 1, 1, width])
        });
        for layer in &self.layers {
            states = layer.forward(states, bias.as_ref(), self.heads, self.gelu);
        }
        states
    }
}

impl Layer {
    fn forward(&self, states: Tensor<3>, bias: Option<&Tensor<4>>, heads: usize, with_gelu: bool) -> Tensor<3> {
        let [texts, width, d] = states.dims();
        let split = |states: Tensor<3>| states.reshape([texts, width, heads, d / heads]).swap_dims(1, 2);
        let query = split(self.query.forward(states.clone()) / ((d / heads) as f64).sqrt());
        let (key, value) = (split(self.key.forward(states.clone())), split(self.value.forward(states.clone())));
        let scores = query.matmul(key.transpose());
        let scores = match bias {
            Some(bias) => scores + bias.clone(),
            None => scores,
        };
        let read = softmax(scores, 3).matmul(value).swap_dims(1, 2).reshape([texts, width, d]);
        let states = self.attention_norm.forward(self.attended.forward(read) + states);
        let wide = self.widen.forward(states.clone());
        let wide = if with_gelu { gelu(wide) } else { relu(wide) };
        self.norm.forward(self.narrow.forward(wide) + states)
    }
}
