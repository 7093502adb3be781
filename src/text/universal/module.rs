//! Words' vectors, convolutions over neighbouring words, and a few layers over their sum.

use burn::Tensor;
use burn::tensor::activation::{relu, tanh};
use burn::tensor::{Device, TensorData};

/// Numbers of a text's vector, and of a word's.
pub(super) const WIDTH: usize = 512;
/// Numbers that a convolution gives for each word.
pub(super) const CHANNELS: usize = 256;
/// Words that a convolution reads, and how many of them stand before the word itself.
pub(super) const WINDOWS: [(usize, usize); 3] = [(2, 0), (3, 1), (5, 2)];
/// Words' vectors lie in so many tables with a scale each: word `n` in table `n % TABLES`.
pub(super) const TABLES: usize = 17;
/// Added to a variance, so that nothing is divided by zero; the file has it.
pub(super) type Epsilon = f32;

/// The vectors of words, a byte for each number.
#[derive(Clone, Debug)]
pub(super) struct Words {
    pub(super) bytes: Vec<Vec<u8>>,
    pub(super) scale: Vec<f32>,
    pub(super) low: Vec<f32>,
}

impl Words {
    pub(super) fn len(&self) -> usize {
        self.bytes.iter().map(|bytes| bytes.len() / WIDTH).sum()
    }

    fn vector(&self, word: u32) -> impl Iterator<Item = f32> {
        let (table, row) = (word as usize % TABLES, word as usize / TABLES);
        let (scale, low) = (self.scale[table], self.low[table]);
        self.bytes[table][row * WIDTH..(row + 1) * WIDTH].iter().map(move |&byte| f32::from(byte) * scale + low)
    }
}

/// A normalisation over the last dimension.
#[derive(Clone, Debug)]
pub(super) struct Norm {
    pub(super) gamma: Tensor<1>,
    pub(super) beta: Tensor<1>,
    pub(super) epsilon: Epsilon,
}

impl Norm {
    fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let x = x.clone() - x.mean_dim(2);
        let variance = x.clone().powi_scalar(2).mean_dim(2);
        x / (variance + self.epsilon).sqrt() * self.gamma.clone().unsqueeze() + self.beta.clone().unsqueeze()
    }
}

/// `[from, to]` with a bias.
#[derive(Clone, Debug)]
pub(super) struct Linear {
    pub(super) weight: Tensor<2>,
    pub(super) bias: Tensor<1>,
}

impl Linear {
    fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        x.matmul(self.weight.clone().unsqueeze()) + self.bias.clone().unsqueeze()
    }
}

/// Two convolutions over a window of words, each added to what it reads.
#[derive(Clone, Debug)]
pub(super) struct Branch {
    pub(super) project: Linear,
    pub(super) layers: [Linear; 2],
}

impl Branch {
    /// `mask` is 1 at words and 0 behind the end, `[texts, words, 1]`.
    fn forward(&self, x: Tensor<3>, mask: &Tensor<3>, (window, before): (usize, usize)) -> Tensor<3> {
        self.layers.iter().fold(x, |x, layer| {
            let inside = x.clone() * mask.clone();
            let [texts, count, channels] = inside.dims();
            let empty = |words| Tensor::zeros([texts, words, channels], &inside.device());
            let padded = Tensor::cat(vec![empty(before), inside.clone(), empty(window - 1 - before)], 1);
            let shifted = (0..window).map(|by| padded.clone().narrow(1, by, count)).collect();
            relu(layer.forward(Tensor::cat(shifted, 2))) + x
        })
    }
}

/// Layers over the sum of the words, each with a way around it.
#[derive(Clone, Debug)]
pub(super) struct Deep {
    pub(super) sum: Linear,
    pub(super) first: Tensor<2>,
    pub(super) second: Tensor<2>,
    pub(super) around_two: Tensor<2>,
    pub(super) third: Tensor<2>,
    pub(super) fourth: Tensor<2>,
    pub(super) around_four: Tensor<2>,
    pub(super) epsilon: Epsilon,
}

impl Deep {
    /// The vectors of texts, of length 1, from the sum over their words and the number of these.
    fn forward(&self, sum: Tensor<2>, lengths: Tensor<2>) -> Tensor<2> {
        let bias = self.sum.bias.clone().unsqueeze::<2>();
        let x = (sum.matmul(self.sum.weight.clone()) + lengths.clone() * bias) / lengths.sqrt();
        let y = relu(x.clone().matmul(self.first.clone()));
        let y = relu(x.matmul(self.around_two.clone()) + y.matmul(self.second.clone()));
        let z = relu(y.clone().matmul(self.third.clone()));
        let z = tanh(y.matmul(self.around_four.clone()) + z.matmul(self.fourth.clone()));
        let lengths = z.clone().powi_scalar(2).sum_dim(1).clamp_min(self.epsilon).sqrt();
        z / lengths
    }
}

#[derive(Clone, Debug)]
pub(super) struct Module {
    pub(super) words: Words,
    pub(super) branches: [Branch; 3],
    /// Over what all convolutions read, one beside the other.
    pub(super) norm_before: Norm,
    /// Over words and all convolutions.
    pub(super) norm: Norm,
    pub(super) deep: Deep,
    pub(super) device: Device,
}

impl Module {
    /// How many words have vectors.
    pub(super) fn vocabulary(&self) -> usize {
        self.words.len()
    }

    /// The vectors of some texts of tokens, one after the other.
    pub(super) fn encode(&self, texts: &[&[u32]]) -> Vec<f32> {
        let longest = texts.iter().map(|text| text.len()).max().unwrap_or(0);
        let shape = [texts.len(), longest, WIDTH];
        let (mut words, mut mask) = (vec![0.0; shape.iter().product()], vec![0.0; texts.len() * longest]);
        for (at, text) in texts.iter().enumerate() {
            mask[at * longest..at * longest + text.len()].fill(1.0);
            let numbers = text.iter().flat_map(|&word| self.words.vector(word));
            words[at * longest * WIDTH..].iter_mut().zip(numbers).for_each(|(place, number)| *place = number);
        }
        let words = Tensor::<3>::from_data(TensorData::new(words, shape), &self.device);
        let mask = Tensor::<3>::from_data(TensorData::new(mask, [texts.len(), longest, 1]), &self.device);
        let projected = self.branches.iter().map(|branch| branch.project.forward(words.clone())).collect();
        let read = self.norm_before.forward(Tensor::cat(projected, 2)).chunk(WINDOWS.len(), 2);
        let branches = self.branches.iter().zip(read).zip(WINDOWS);
        let convolved = branches.map(|((branch, x), window)| branch.forward(x, &mask, window));
        let all = self.norm.forward(Tensor::cat([words].into_iter().chain(convolved).collect(), 2));
        let lengths = mask.clone().sum_dim(1).reshape([texts.len(), 1]);
        let sum = (all * mask).sum_dim(1).reshape([texts.len(), WIDTH + WINDOWS.len() * CHANNELS]);
        self.deep.forward(sum, lengths).into_data().iter::<f32>().collect()
    }
}
