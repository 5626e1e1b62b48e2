//! A selection in which every two values of different axes meet.

use std::collections::HashSet;

use crate::axes::Cell;

/// Two values of different axes, by their names.
type Pair = (String, String);

/// Picks cells, each of which has the most pairs that no earlier one has, until none is left out.
pub(crate) fn pairwise() -> Vec<Cell> {
    let all: Vec<(Cell, Vec<Pair>)> =
        Cell::all().into_iter().map(|cell| (cell, pairs_of(&cell))).collect();
    let mut left: HashSet<&Pair> = all.iter().flat_map(|(_, pairs)| pairs).collect();
    let mut picked = Vec::new();
    while !left.is_empty() {
        let new = |pairs: &[Pair]| pairs.iter().filter(|pair| left.contains(pair)).count();
        // Of equals the first, so that the selection is the same each time.
        let Some((cell, pairs)) = all.iter().rev().max_by_key(|(_, pairs)| new(pairs)) else {
            break;
        };
        picked.push(*cell);
        for pair in pairs {
            left.remove(pair);
        }
    }
    picked
}

fn pairs_of(cell: &Cell) -> Vec<Pair> {
    let values = cell.to_string();
    let values: Vec<&str> = values.split('/').collect();
    let mut pairs = Vec::new();
    for (index, one) in values.iter().enumerate() {
        pairs.extend(values[index + 1..].iter().map(|other| ((*one).into(), (*other).into())));
    }
    pairs
}

#[test]
fn every_two_values_meet_in_few_cells() {
    let picked = pairwise();
    let all: HashSet<Pair> = Cell::all().iter().flat_map(pairs_of).collect();
    let met: HashSet<Pair> = picked.iter().flat_map(pairs_of).collect();
    assert_eq!(met, all);
    assert_eq!(all.len(), 7 * 6 + 7 * 3 + 7 * 7 + 6 * 3 + 6 * 7 + 3 * 7);
    assert!(picked.len() < 70, "{}", picked.len());
}
