//! A set of texts, token by token: what is generated from it is one of them.

use std::collections::BTreeMap;

/// Where generation is within the texts.
pub(super) type Place = usize;

#[derive(Clone, Debug, Default)]
struct Node {
    next: BTreeMap<u32, Place>,
    /// The text that ends here.
    whole: Option<usize>,
}

/// A trie of the tokens of some texts (De Cao et al., 2021, "Autoregressive Entity Retrieval").
#[derive(Clone, Debug)]
pub(super) struct Choices {
    nodes: Vec<Node>,
}

impl Choices {
    /// Of texts with the same tokens the first is meant.
    pub(super) fn new(texts: &[Vec<u32>]) -> Self {
        let mut nodes = vec![Node::default()];
        for (index, tokens) in texts.iter().enumerate() {
            let mut place = 0;
            for &token in tokens {
                let new = nodes.len();
                place = *nodes[place].next.entry(token).or_insert(new);
                if place == new {
                    nodes.push(Node::default());
                }
            }
            nodes[place].whole.get_or_insert(index);
        }
        Self { nodes }
    }

    /// The tokens that go on from a place.
    pub(super) fn next(&self, place: Place) -> impl Iterator<Item = u32> + '_ {
        self.nodes[place].next.keys().copied()
    }

    /// The text that is whole at a place, and whether a longer one goes on.
    pub(super) fn whole(&self, place: Place) -> Option<(usize, bool)> {
        let node = &self.nodes[place];
        node.whole.map(|index| (index, !node.next.is_empty()))
    }

    /// Where a token leads.
    pub(super) fn step(&self, place: Place, token: u32) -> Option<Place> {
        self.nodes[place].next.get(&token).copied()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Every text is found by its tokens, and whatever way is gone ends in one of them.
        #[test]
        fn ways_lead_to_texts_and_nowhere_else(
            texts in prop::collection::vec(prop::collection::vec(0_u32..4, 1..6), 1..12), turns in prop::collection::vec(0_usize..4, 8),
        ) {
            let choices = Choices::new(&texts);
            for tokens in &texts {
                let place = tokens.iter().try_fold(0, |place, &token| choices.step(place, token)).unwrap();
                prop_assert_eq!(&texts[choices.whole(place).unwrap().0], tokens);
            }
            let (mut place, mut gone) = (0, Vec::new());
            for turn in turns {
                let next: Vec<u32> = choices.next(place).collect();
                if next.is_empty() {
                    break;
                }
                gone.push(next[turn % next.len()]);
                place = choices.step(place, gone[gone.len() - 1]).unwrap();
                prop_assert!(texts.iter().any(|tokens| tokens.starts_with(&gone)));
            }
            prop_assert_eq!(choices.whole(place).is_some(), texts.contains(&gone));
        }
    }
}
