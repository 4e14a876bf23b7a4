//! The smallest set that has an element in common with each of several sets: branch and bound.
//!
//! The problem is NP-hard, but mirrors share their parties: what is left after the reductions is small. A search that
//! grows beyond its bound gives a lower and an upper limit instead.

use std::collections::{BTreeMap, BTreeSet};

/// Steps after which the search is given up: about a second.
const STEPS: usize = 200_000;

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found<T> {
    /// No set with fewer elements will do.
    pub at_least: usize,
    /// This one does; it is a smallest one if it has `at_least` elements.
    pub chosen: Vec<T>,
}

/// The smallest set that hits every one of `sets`. Empty sets cannot be hit and are left out.
pub(super) fn minimum<T: Ord + Clone>(sets: &[BTreeSet<T>]) -> Found<T> {
    let sets: Vec<BTreeSet<T>> = sets.iter().filter(|set| !set.is_empty()).cloned().collect();
    let sets = minimal_sets(&without_dominated(&sets));
    let elements: Vec<T> = sets.iter().flatten().cloned().collect::<BTreeSet<T>>().into_iter().collect();
    let number: BTreeMap<&T, usize> = elements.iter().enumerate().map(|(number, element)| (element, number)).collect();
    let sets: Vec<Vec<usize>> = sets.iter().map(|set| set.iter().map(|element| number[element]).collect()).collect();

    let mut search = Search { sets: &sets, best: greedy(&sets), steps: 0 };
    search.descend(&mut Vec::new(), &(0..sets.len()).collect::<Vec<_>>());
    let exact = search.steps < STEPS;
    let at_least = if exact { search.best.len() } else { disjoint(&sets, &(0..sets.len()).collect::<Vec<_>>()) };
    let mut chosen: Vec<T> = search.best.iter().map(|element| elements[*element].clone()).collect();
    chosen.sort();
    Found { at_least, chosen }
}

/// An element that is only in sets that another one is in too is never needed.
fn without_dominated<T: Ord + Clone>(sets: &[BTreeSet<T>]) -> Vec<BTreeSet<T>> {
    let mut places: BTreeMap<&T, BTreeSet<usize>> = BTreeMap::new();
    for (place, set) in sets.iter().enumerate() {
        for element in set {
            places.entry(element).or_default().insert(place);
        }
    }
    let needed = |element: &T, set: &BTreeSet<T>| {
        let own = &places[element];
        // Those that could dominate it share each of its sets, so they are in this one. Of equals the first one stays.
        !set.iter().any(|other| {
            let others = &places[other];
            other != element && own.is_subset(others) && (own.len() < others.len() || other < element)
        })
    };
    sets.iter().map(|set| set.iter().filter(|element| needed(element, set)).cloned().collect()).collect()
}

/// Whoever hits a set hits its supersets too, so those need no attention.
fn minimal_sets<T: Ord + Clone>(sets: &[BTreeSet<T>]) -> Vec<BTreeSet<T>> {
    let distinct: Vec<&BTreeSet<T>> = sets.iter().collect::<BTreeSet<_>>().into_iter().collect();
    let minimal = |set: &&&BTreeSet<T>| !distinct.iter().any(|other| other != *set && other.is_subset(set));
    distinct.iter().filter(minimal).map(|set| (*set).clone()).collect()
}

/// Always takes the element that hits most of what is left: an upper bound.
fn greedy(sets: &[Vec<usize>]) -> Vec<usize> {
    let mut left: Vec<&Vec<usize>> = sets.iter().collect();
    let mut chosen = Vec::new();
    while !left.is_empty() {
        let mut hits: BTreeMap<usize, usize> = BTreeMap::new();
        for element in left.iter().copied().flatten() {
            *hits.entry(*element).or_default() += 1;
        }
        let Some((best, _)) = hits.into_iter().max_by_key(|(element, hits)| (*hits, std::cmp::Reverse(*element))) else { break };
        left.retain(|set| !set.contains(&best));
        chosen.push(best);
    }
    chosen
}

/// Sets of which no two share an element need one element each: a lower bound.
fn disjoint(sets: &[Vec<usize>], open: &[usize]) -> usize {
    let mut taken: BTreeSet<usize> = BTreeSet::new();
    let mut order: Vec<&Vec<usize>> = open.iter().map(|set| &sets[*set]).collect();
    order.sort_by_key(|set| set.len());
    let mut count = 0;
    for set in order {
        if !set.iter().any(|element| taken.contains(element)) {
            taken.extend(set);
            count += 1;
        }
    }
    count
}

struct Search<'a> {
    sets: &'a [Vec<usize>],
    best: Vec<usize>,
    steps: usize,
}

impl Search<'_> {
    /// Extends `chosen` so that the `open` sets are hit as well.
    fn descend(&mut self, chosen: &mut Vec<usize>, open: &[usize]) {
        self.steps += 1;
        let Some(smallest) = open.iter().min_by_key(|set| self.sets[**set].len()) else {
            if chosen.len() < self.best.len() {
                self.best.clone_from(chosen);
            }
            return;
        };
        if self.steps >= STEPS || chosen.len() + disjoint(self.sets, open) >= self.best.len() {
            return;
        }
        // One element of this set is in every solution: each is tried.
        for element in self.sets[*smallest].clone() {
            let left: Vec<usize> = open.iter().copied().filter(|set| !self.sets[*set].contains(&element)).collect();
            chosen.push(element);
            self.descend(chosen, &left);
            chosen.pop();
        }
    }
}
