//! The smallest set of elements that has one in common with each of several sets: reductions, then branch and bound.
//!
//! The problem is NP-hard, but mirrors share their parties: what is left after the reductions is small. A search that
//! grows beyond its bound gives a lower and an upper limit instead.

use std::cmp::Reverse;

use super::bits::Bits;
use super::instance::Instance;

/// Steps after which the search for the smallest set is given up: about a second.
const STEPS: usize = 100_000;
/// Steps after which the question whether an element is in some smallest set is left open, for one element and for all.
/// Beginning a search costs as many as there are sets.
const STEPS_OF_ONE: usize = 2_000;
const STEPS_OF_ALL: usize = 150_000;

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// No set with fewer elements will do.
    pub at_least: usize,
    /// This one does, in ascending order; it is a smallest one if it has `at_least` elements.
    pub chosen: Vec<usize>,
}

impl Found {
    /// Whether there is certainly no smaller one.
    pub(super) fn is_exact(&self) -> bool {
        self.at_least == self.chosen.len()
    }
}

/// The smallest set that hits every one of `sets`, whose elements are numbers below `elements`. Empty sets cannot be hit and
/// are left out.
pub(super) fn minimum(sets: &[Vec<usize>], elements: usize) -> Found {
    minimum_within(sets, elements, STEPS)
}

/// The same with so many steps.
pub(super) fn minimum_within(sets: &[Vec<usize>], elements: usize, mut steps: usize) -> Found {
    let (mut chosen, parts) = Instance::new(sets, elements).reduced();
    let mut at_least = chosen.len();
    for part in parts {
        let mut search = Search { instance: &part, best: part.greedy(), steps };
        search.run();
        steps = search.steps;
        at_least += if steps > 0 { search.best.len() } else { part.bound_of_all().min(search.best.len()) };
        chosen.extend(search.best.iter().map(|element| part.name_of(*element)));
    }
    chosen.sort_unstable();
    Found { at_least, chosen }
}

/// Every element that is in at least one smallest set, when `known` is one of them. An element for which the search is given
/// up is named too.
pub(super) fn in_some_minimum(sets: &[Vec<usize>], elements: usize, known: &[usize]) -> Vec<usize> {
    let whole = Instance::new(sets, elements).without_supersets();
    let mut order: Vec<usize> = (0..elements).filter(|element| !whole.hits(*element).is_empty()).collect();
    order.sort_by_key(|element| Reverse(whole.hits(*element).count()));
    let mut belongs = vec![None; elements];
    for element in known {
        belongs[*element] = Some(true);
    }
    let out = whole.out_of_the_question(known.len());
    order.iter().filter(|element| out.contains(**element)).for_each(|element| belongs[*element] = Some(false));
    let mut left = STEPS_OF_ALL;
    for (rank, &element) in order.iter().enumerate() {
        if belongs[element].is_some() {
            continue;
        }
        let own = whole.hits(element);
        // Whoever hits no more than another one that is in no smallest set could be replaced by that one. And the bound costs
        // less than a search, and is mostly enough.
        let rivals = order[..rank].iter().filter(|other| belongs[**other] == Some(false));
        if rivals.clone().any(|other| own.is_subset(whole.hits(*other))) || whole.bound_without(own) >= known.len() {
            belongs[element] = Some(false);
            continue;
        }
        let rest: Vec<Vec<usize>> = whole.sets().iter().filter(|set| !set.contains(&element)).cloned().collect();
        left = left.saturating_sub(rest.len());
        let mut steps = STEPS_OF_ONE.min(left);
        left -= steps;
        let fewer = fewer_than(known.len(), &rest, elements, &mut steps);
        left += steps;
        belongs[element] = Some(!matches!(fewer, Fewer::None));
        if let Fewer::Found(others) = fewer {
            for other in others {
                belongs[other] = Some(true);
            }
        }
    }
    (0..elements).filter(|element| belongs[*element] == Some(true)).collect()
}

/// Whether a set of fewer elements will do.
enum Fewer {
    /// This one.
    Found(Vec<usize>),
    None,
    GivenUp,
}

/// A set of fewer than `limit` elements that hits every one of `sets`.
fn fewer_than(limit: usize, sets: &[Vec<usize>], elements: usize, steps: &mut usize) -> Fewer {
    let (mut chosen, parts) = Instance::new(sets, elements).reduced();
    let bounds: Vec<usize> = parts.iter().map(Instance::bound_of_all).collect();
    let mut least = chosen.len() + bounds.iter().sum::<usize>();
    for (part, bound) in parts.iter().zip(bounds) {
        if least >= limit {
            return Fewer::None;
        }
        let mut search = Search { instance: part, best: part.greedy(), steps: *steps };
        search.run();
        *steps = search.steps;
        least = least - bound + search.best.len();
        if search.steps == 0 && least >= limit {
            return Fewer::GivenUp;
        }
        chosen.extend(search.best.iter().map(|element| part.name_of(*element)));
    }
    if least < limit { Fewer::Found(chosen) } else { Fewer::None }
}

struct Search<'a> {
    instance: &'a Instance,
    best: Vec<usize>,
    /// That are left; none: it was given up.
    steps: usize,
}

impl Search<'_> {
    fn run(&mut self) {
        self.descend(&mut Vec::new(), &self.instance.all(), self.instance.no_element());
    }

    /// Extends `chosen` by elements that are not `banned` so that the `open` sets are hit as well.
    fn descend(&mut self, chosen: &mut Vec<usize>, open: &Bits, mut banned: Bits) {
        self.steps = self.steps.saturating_sub(1);
        if self.steps == 0 {
            return;
        }
        if open.is_empty() {
            if chosen.len() < self.best.len() {
                self.best.clone_from(chosen);
            }
            return;
        }
        if self.instance.bound(open, &banned).is_none_or(|bound| chosen.len() + bound >= self.best.len()) {
            return;
        }
        // One element of this set is in every solution: each is tried, the most useful first, and not again afterwards.
        for element in self.instance.branches(open, &banned) {
            chosen.push(element);
            self.descend(chosen, &open.without(self.instance.hits(element)), banned.clone());
            chosen.pop();
            banned.insert(element);
        }
    }
}
