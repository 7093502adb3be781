//! Training SASRec.

use burn::Tensor;
use burn::module::Module;
use burn::optim::{AdamConfig, GradientsAccumulator, GradientsParams, ModuleOptimizer};
use burn::tensor::{Device, Int, TensorData};
use rayon::prelude::*;

use crate::baseline::error::BaselineError;
use crate::baseline::interactions::check_items;
use crate::baseline::sas_rec::SasRecConfig;
use crate::baseline::sas_rec::network::{Network, Windows};
use crate::data::{Dataset, Draws, IndexedEvent, LikeRule, UserSplit};
use crate::meta::scaled;
use crate::model::NoiseSource;

/// Pieces of each batch, spread over threads: the result depends on how many there are, and not on the threads.
const SHARDS: usize = 2;

/// What training reads.
#[derive(Debug)]
pub(super) struct Sequences {
    /// The likes of each training user with two or more, in time order, and the same ascending.
    users: Vec<(Vec<u32>, Vec<u32>)>,
    /// The items that training users have met, ascending.
    met: Vec<u32>,
    /// All items of the catalogue.
    items: usize,
}

/// What somebody liked, in time order.
pub(super) fn liked(events: &[IndexedEvent], rule: &LikeRule) -> Vec<u32> {
    events.iter().filter(|event| rule.is_like(event)).map(|event| event.item.0).collect()
}

/// One window of a user's likes: each with the next, and with one that the user does not like.
struct Window {
    /// One more than is read.
    likes: Vec<u32>,
    others: Vec<u32>,
}

impl Sequences {
    /// # Errors
    /// [`EvaluateError::ForeignSplit`](crate::evaluate::EvaluateError::ForeignSplit) if an event's item is not in the
    /// catalogue.
    pub(super) fn new(data: &Dataset, split: &UserSplit) -> Result<Self, BaselineError> {
        let items = data.catalogue().len();
        check_items(items, &split.train)?;
        let user = |events: &Vec<IndexedEvent>| {
            let likes = liked(events, data.like_rule());
            let mut ascending = likes.clone();
            ascending.sort_unstable();
            (likes, ascending)
        };
        let users = split.train.iter().map(|task| user(&task.events)).filter(|(likes, _)| likes.len() > 1).collect();
        let met = split.candidates().into_iter().map(|item| item.0).collect();
        Ok(Self { users, met, items })
    }

    /// The items that training users have met, ascending.
    pub(super) fn met(&self) -> &[u32] {
        &self.met
    }

    /// A window of a user that begins with their first like or, as often, anywhere.
    fn window(&self, user: usize, length: usize, draws: &mut Draws) -> Window {
        let (likes, ascending) = &self.users[user];
        let size = likes.len().min(length + 1);
        let first = draws.below(2) * draws.below(likes.len() - size + 1);
        let others = (1..size).map(|_| self.other(ascending, draws)).collect();
        Window { likes: likes[first..first + size].to_vec(), others }
    }

    /// An item that is none of these, which ascend; any if a hundred draws find none.
    fn other(&self, likes: &[u32], draws: &mut Draws) -> u32 {
        let mut item = 0;
        for _ in 0..100 {
            item = self.met[draws.below(self.met.len())];
            if likes.binary_search(&item).is_err() {
                break;
            }
        }
        item
    }
}

impl Windows {
    /// Tensors of some windows, as long as the longest.
    fn new(windows: &[Window], device: &Device) -> Self {
        let length = windows.iter().map(|window| window.others.len()).max().unwrap_or(0).max(1);
        let shape = [windows.len(), length];
        let ints = |of: &dyn Fn(&Window) -> &[u32]| {
            let row = |window| {
                let row = of(window).iter().map(|&item| item as i32);
                let padding = length - window.others.len();
                row.chain(std::iter::repeat_n(0, padding)).collect::<Vec<i32>>()
            };
            Tensor::<2, Int>::from_data(TensorData::new(windows.iter().flat_map(row).collect(), shape), device)
        };
        let mask: Vec<f32> = windows
            .iter()
            .flat_map(|window| (0..length).map(|at| if at < window.others.len() { 1.0 } else { 0.0 }))
            .collect();
        Self {
            read: ints(&|window| &window.likes[..window.others.len()]),
            next: ints(&|window| &window.likes[1..]),
            other: ints(&|window| &window.others),
            mask: Tensor::from_data(TensorData::new(mask, shape), device),
        }
    }
}

/// A network on its way: each epoch reads one window of every user.
pub(super) struct Training<'a> {
    sequences: &'a Sequences,
    config: SasRecConfig,
    device: Device,
    network: Network,
    optimizer: ModuleOptimizer,
    epochs: usize,
    /// The mean loss of a place in the last epoch.
    loss: f64,
}

impl<'a> Training<'a> {
    pub(super) fn new(sequences: &'a Sequences, config: &SasRecConfig, device: &Device) -> Self {
        let device = device.clone().inner().autodiff();
        let network = Network::new(sequences.items, config, &device);
        let optimizer = AdamConfig::new().with_beta_2(0.98).with_epsilon(1e-8).init();
        Self { sequences, config: config.clone(), device, network, optimizer, epochs: 0, loss: f64::NAN }
    }

    /// Goes on until so many epochs are done.
    ///
    /// # Errors
    /// [`BaselineError::Diverged`] if the loss is no longer finite.
    pub(super) fn run_to(&mut self, epochs: usize) -> Result<(), BaselineError> {
        while self.epochs < epochs {
            self.epochs += 1;
            self.epoch();
            if !self.loss.is_finite() {
                return Err(BaselineError::Diverged {
                    method: "sasrec",
                    what: "loss",
                    epoch: self.epochs,
                    learning_rate: self.config.learning_rate as f32,
                });
            }
        }
        Ok(())
    }

    fn epoch(&mut self) {
        let mut draws = Draws::new(*b"sasrec  ", self.config.seed, self.epochs as u64);
        let mut order: Vec<usize> = (0..self.sequences.users.len()).collect();
        draws.shuffle(&mut order);
        let (mut sum, mut count) = (0.0, 0);
        for users in order.chunks(self.config.batch) {
            let window = |&user| self.sequences.window(user, self.config.max_length, &mut draws);
            let windows: Vec<Window> = users.iter().map(window).collect();
            let noise = draws.bits();
            let places: usize = windows.iter().map(|window| window.others.len()).sum();
            sum += self.step(&windows, places, noise);
            count += places;
        }
        self.loss = sum / count.max(1) as f64;
    }

    /// A step of Adam on some windows; returns the summed loss.
    fn step(&mut self, windows: &[Window], places: usize, noise: u64) -> f64 {
        let size = windows.len().div_ceil(SHARDS).max(1);
        // Clones share one graph lock: each piece works on a fork.
        let pieces: Vec<(u64, &[Window], Network)> = (0..)
            .zip(windows.chunks(size))
            .map(|(shard, piece)| (noise.wrapping_add(shard), piece, self.network.clone().fork(&self.device)))
            .collect();
        let plain = self.device.clone().inner();
        let dropout = self.config.dropout;
        let gradient = |(noise, piece, network): (u64, &[Window], Network)| {
            let loss = network.loss(&Windows::new(piece, &plain), dropout, &mut NoiseSource::new(Some(noise)));
            let value = f64::from(loss.clone().into_scalar::<f32>());
            (GradientsParams::from_grads(loss.backward(), &network), value)
        };
        let gradients: Vec<(GradientsParams, f64)> = pieces.into_par_iter().map(gradient).collect();
        let mut sum = GradientsAccumulator::new();
        let mut loss = 0.0;
        for (gradient, of_piece) in gradients {
            sum.accumulate(&self.network, gradient);
            loss += of_piece;
        }
        let mean = scaled(&self.network, &sum.grads(), 1.0 / places.max(1) as f64);
        self.network = self.optimizer.step(self.config.learning_rate, self.network.clone(), mean);
        loss
    }

    /// What serves after the epochs that were done, on the plain device.
    pub(super) fn fitted(&self) -> Network {
        self.network.valid()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baseline::tests::all_train;

    #[test]
    fn windows_hold_likes_in_their_order_and_others_are_none_of_them() {
        let likes = [7, 3, 5, 1, 6];
        let mut ratings: Vec<_> = likes.iter().map(|&item| (0, item, 5.0)).collect();
        ratings.extend([(0, 2, 1.0), (1, 0, 5.0), (1, 4, 5.0)]);
        let (data, split) = all_train(9, &ratings);
        let sequences = Sequences::new(&data, &split).unwrap();
        assert_eq!(sequences.met, [0, 1, 2, 3, 4, 5, 6, 7]);
        let in_order = liked(&split.train[0].events, data.like_rule());
        let mut draws = Draws::new(*b"the test", 0, 0);
        let mut firsts = [0; 4];
        for _ in 0..400 {
            let window = sequences.window(0, 2, &mut draws);
            let first = in_order.iter().position(|item| *item == window.likes[0]).unwrap();
            assert_eq!(window.likes, in_order[first..first + 3]);
            assert!(window.others.len() == 2 && window.others.iter().all(|item| [0, 2, 4].contains(item)));
            firsts[first] += 1;
        }
        // Half of the windows begin at the first like, the others at one of three.
        assert!(firsts[0] > 220 && firsts[1] > 35 && firsts[2] > 35 && firsts[3] == 0, "{firsts:?}");
        let whole = sequences.window(0, 50, &mut draws);
        assert_eq!((whole.likes, whole.others.len()), (in_order, 4));
    }

    #[test]
    fn what_fills_windows_up_has_no_loss() {
        let window = |likes: &[u32]| Window { likes: likes.to_vec(), others: vec![5; likes.len() - 1] };
        let config = SasRecConfig::default().with_d_model(8).with_max_length(4);
        let device = Device::default();
        let network = Network::new(6, &config, &device);
        let loss = |windows: &[Window]| {
            let loss = network.loss(&Windows::new(windows, &device), 0.0, &mut NoiseSource::new(None));
            loss.into_scalar::<f32>()
        };
        let (short, long) = (window(&[1, 2]), window(&[0, 1, 2, 3, 4]));
        let apart = loss(std::slice::from_ref(&short)) + loss(std::slice::from_ref(&long));
        assert!((loss(&[short, long]) - apart).abs() < 1e-4 * apart);
    }
}
