//! Sets to hit and their elements, and what can be said of them without a search.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::bits::Bits;

/// One, in parts that the numbers up to ten and many others divide: whole numbers add up without rounding errors.
const WHOLE: u64 = 2_520 * 11 * 13 * 17 * 19 * 23;

/// A set with more elements is wide.
const WIDE: usize = 64;

/// Sets to hit.
#[derive(Debug)]
pub(super) struct Instance {
    /// The elements of each set.
    sets: Vec<Vec<usize>>,
    /// The sets of each element.
    hits: Vec<Bits>,
    /// What each element is called outside.
    names: Vec<usize>,
}

impl Instance {
    /// The sets as they are, without empty ones; elements keep their numbers.
    pub(super) fn new(sets: &[Vec<usize>], elements: usize) -> Self {
        let sets: Vec<Vec<usize>> = sets.iter().filter(|set| !set.is_empty()).cloned().collect();
        Self::named(sets, (0..elements).collect())
    }

    fn named(sets: Vec<Vec<usize>>, names: Vec<usize>) -> Self {
        let mut hits = vec![Bits::none(sets.len()); names.len()];
        for (place, set) in sets.iter().enumerate() {
            for element in set {
                hits[*element].insert(place);
            }
        }
        Self { sets, hits, names }
    }

    /// The sets.
    pub(super) fn sets(&self) -> &[Vec<usize>] {
        &self.sets
    }

    /// The same without sets that are hit whenever another one is: what hits all is the same.
    pub(super) fn without_supersets(mut self) -> Self {
        self.drop_supersets();
        self
    }

    /// The sets that an element is in.
    pub(super) fn hits(&self, element: usize) -> &Bits {
        &self.hits[element]
    }

    /// What an element was called where this came from.
    pub(super) fn name_of(&self, element: usize) -> usize {
        self.names[element]
    }

    /// All sets.
    pub(super) fn all(&self) -> Bits {
        let mut all = Bits::none(self.sets.len());
        (0..self.sets.len()).for_each(|set| all.insert(set));
        all
    }

    /// No element.
    pub(super) fn no_element(&self) -> Bits {
        Bits::none(self.names.len())
    }

    /// Always takes the element that hits most of what is left: an upper bound.
    pub(super) fn greedy(&self) -> Vec<usize> {
        let (mut open, mut chosen) = (self.all(), Vec::new());
        while !open.is_empty() {
            let best = (0..self.hits.len()).max_by_key(|element| (self.hits[*element].common(&open), Reverse(*element)));
            let Some(best) = best else { break };
            open.remove(&self.hits[best]);
            chosen.push(best);
        }
        chosen
    }

    /// The elements of the open set that leaves the fewest of them, the most useful first.
    pub(super) fn branches(&self, open: &Bits, banned: &Bits) -> Vec<usize> {
        let usable = |set: &usize| self.sets[*set].iter().filter(|element| !banned.contains(**element)).count();
        let Some(narrowest) = open.numbers().min_by_key(usable) else { return Vec::new() };
        let mut elements: Vec<usize> =
            self.sets[narrowest].iter().copied().filter(|element| !banned.contains(*element)).collect();
        elements.sort_by_key(|element| Reverse(self.hits[*element].common(open)));
        elements
    }

    /// So many elements are needed at least for all sets.
    pub(super) fn bound_of_all(&self) -> usize {
        self.bound(&self.all(), &self.no_element()).unwrap_or(usize::MAX)
    }

    /// So many elements are needed at least for all sets but those in `hit`. Wide sets are left out: they cost most, and
    /// hardly ever ask for an element of their own.
    pub(super) fn bound_without(&self, hit: &Bits) -> usize {
        let mut open = self.all().without(hit);
        let wide: Vec<usize> = open.numbers().filter(|set| self.sets[*set].len() > WIDE).collect();
        for set in wide {
            open.take_out(set);
        }
        self.bound(&open, &self.no_element()).unwrap_or(usize::MAX)
    }

    /// So many elements that are not `banned` are needed at least for the `open` sets; `None`: they cannot be hit.
    ///
    /// Each set gives what it can without any element getting more than one in all (a solution of the dual linear program).
    /// Sets of which no two share an element are one case of it, and counted apart, because that bound is sometimes better.
    pub(super) fn bound(&self, open: &Bits, banned: &Bits) -> Option<usize> {
        let order = self.order(open, banned)?;
        let (given, _) = self.given(&order);
        Some(self.apart(&order).max(usize::try_from(given.div_ceil(WHOLE)).unwrap_or(usize::MAX)))
    }

    /// Elements of which it is certain at once that they are in no set of `size` elements that hits all: without them there
    /// would be more left than the others can hit, by what the sets give together (reduced costs).
    pub(super) fn out_of_the_question(&self, size: usize) -> Bits {
        let mut out = self.no_element();
        let Some(order) = self.order(&self.all(), &out) else { return out };
        let (given, room) = self.given(&order);
        let most = WHOLE * u64::try_from(size).unwrap_or(u64::MAX / WHOLE);
        (0..room.len()).filter(|element| given + room[*element] > most).for_each(|element| out.insert(element));
        out
    }

    /// The usable elements of the `open` sets, each with how many of them its most frequent element is in. Those first whose
    /// elements are in few others: they take the least from the rest. `None`: one has no usable element.
    fn order(&self, open: &Bits, banned: &Bits) -> Option<Vec<(usize, Vec<usize>)>> {
        let degrees: Vec<usize> = self.hits.iter().map(|hits| hits.common(open)).collect();
        let mut order: Vec<(usize, Vec<usize>)> = Vec::new();
        for set in open.numbers() {
            let usable: Vec<usize> = self.sets[set].iter().copied().filter(|element| !banned.contains(*element)).collect();
            order.push((usable.iter().map(|element| degrees[*element]).max()?, usable));
        }
        order.sort_unstable();
        Some(order)
    }

    /// How many sets were found of which no two share an element.
    fn apart(&self, order: &[(usize, Vec<usize>)]) -> usize {
        let mut taken = self.no_element();
        let mut count = 0;
        for (_, set) in order {
            if !set.iter().any(|element| taken.contains(*element)) {
                for element in set {
                    taken.insert(*element);
                }
                count += 1;
            }
        }
        count
    }

    /// What all sets give together, and what each element has room for then: first a fair share each, then what is left.
    fn given(&self, order: &[(usize, Vec<usize>)]) -> (u64, Vec<u64>) {
        let mut room: Vec<u64> = vec![WHOLE; self.hits.len()];
        let mut total = 0;
        for fair in [true, false] {
            for (most, set) in order {
                let left = set.iter().map(|element| room[*element]).min().unwrap_or(0);
                let share = if fair { left.min(WHOLE / u64::try_from(*most).unwrap_or(WHOLE)) } else { left };
                for element in set {
                    room[*element] -= share;
                }
                total += share;
            }
        }
        (total, room)
    }

    /// Elements that are in a smallest solution, and what is left then, in parts that share no element.
    pub(super) fn reduced(mut self) -> (Vec<usize>, Vec<Self>) {
        let mut taken = Vec::new();
        loop {
            let before = (self.sets.len(), self.sets.iter().map(Vec::len).sum::<usize>());
            self.drop_supersets();
            self.drop_dominated();
            taken.extend(self.take_forced());
            if before == (self.sets.len(), self.sets.iter().map(Vec::len).sum::<usize>()) {
                break;
            }
        }
        (taken, self.parts())
    }

    /// Whoever hits a set hits its supersets too, so those need no attention.
    fn drop_supersets(&mut self) {
        self.sets.sort_by(|one, other| (one.len(), one).cmp(&(other.len(), other)));
        self.sets.dedup();
        self.rehit();
        let mut dropped = Bits::none(self.sets.len());
        for (place, set) in self.sets.iter().enumerate() {
            if dropped.contains(place) {
                continue;
            }
            let mut supersets = self.hits[set[0]].clone();
            set[1..].iter().for_each(|element| supersets.keep(&self.hits[*element]));
            supersets.numbers().filter(|other| *other != place).for_each(|other| dropped.insert(other));
        }
        let mut place = 0;
        self.sets.retain(|_| {
            place += 1;
            !dropped.contains(place - 1)
        });
        self.rehit();
    }

    /// An element that is only in sets that another one is in too is never needed. Of equals the first one stays.
    fn drop_dominated(&mut self) {
        let mut gone = self.no_element();
        for element in 0..self.hits.len() {
            let own = &self.hits[element];
            // Those that could dominate it share each of its sets, so the smallest one has them.
            let Some(smallest) = own.numbers().min_by_key(|set| self.sets[*set].len()) else { continue };
            let dominated = self.sets[smallest].iter().any(|other| {
                *other != element
                    && !gone.contains(*other)
                    && own.is_subset(&self.hits[*other])
                    && (own != &self.hits[*other] || *other < element)
            });
            if dominated {
                gone.insert(element);
            }
        }
        for set in &mut self.sets {
            set.retain(|element| !gone.contains(*element));
        }
        self.rehit();
    }

    /// Takes the element of each set that has only one.
    fn take_forced(&mut self) -> Vec<usize> {
        let mut forced: Vec<usize> = self.sets.iter().filter(|set| set.len() == 1).map(|set| set[0]).collect();
        forced.sort_unstable();
        forced.dedup();
        let chosen = {
            let mut chosen = self.no_element();
            for element in &forced {
                chosen.insert(*element);
            }
            chosen
        };
        self.sets.retain(|set| !set.iter().any(|element| chosen.contains(*element)));
        self.rehit();
        forced.into_iter().map(|element| self.names[element]).collect()
    }

    fn rehit(&mut self) {
        let sets = std::mem::take(&mut self.sets);
        *self = Self::named(sets, std::mem::take(&mut self.names));
    }

    /// Sets that share no element, directly or through others, are solved by themselves.
    fn parts(&self) -> Vec<Self> {
        let mut parts = Vec::new();
        let mut open = self.all();
        while let Some(first) = open.first() {
            let (mut members, mut fresh) = (Vec::new(), vec![first]);
            let mut seen = Bits::none(self.sets.len());
            seen.insert(first);
            while let Some(set) = fresh.pop() {
                members.push(set);
                for element in &self.sets[set] {
                    for other in self.hits[*element].without(&seen).numbers() {
                        seen.insert(other);
                        fresh.push(other);
                    }
                }
            }
            open.remove(&seen);
            members.sort_unstable();
            parts.push(self.part(&members));
        }
        parts
    }

    fn part(&self, members: &[usize]) -> Self {
        let (mut numbers, mut names) = (BTreeMap::new(), Vec::new());
        let mut number = |element: usize| {
            *numbers.entry(element).or_insert_with(|| {
                names.push(self.names[element]);
                names.len() - 1
            })
        };
        let sets = members.iter().map(|set| self.sets[*set].iter().map(|element| number(*element)).collect()).collect();
        Self::named(sets, names)
    }
}
