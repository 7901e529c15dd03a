//! Which tensor of a file is which tensor of a network: what frameworks put before all names is found and taken away.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::text::{counted, one_line};

/// Names that a sentence lists.
const NAMED: usize = 3;

/// How the names of a file map to those of a network.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mapping {
    /// What stands before every name that is taken; may be empty.
    pub prefix: String,
    /// The file's name of each of the network's, as far as there is one.
    pub of: HashMap<String, String>,
    /// Names of the network that the file lacks.
    pub missing: Vec<String>,
    /// Names of the file that the network lacks.
    pub unused: Vec<String>,
}

/// The name as torchvision has it today: its DenseNet files of 2017 part `norm1` by a dot, as `norm.1`.
fn current_name(name: &str) -> String {
    let mut name = name.to_owned();
    if name.contains(".denselayer") {
        for layer in ["norm", "conv"] {
            for number in ["1", "2"] {
                name = name.replace(&format!(".{layer}.{number}."), &format!(".{layer}{number}."));
            }
        }
    }
    name
}

/// Maps the names of a file to the `wanted` names of a network. The prefix is that under which most of them are found, the
/// shortest of equals: `module.` (DataParallel), `model.`, `_orig_mod.` (torch.compile), `backbone.`, `module.densenet121.` or
/// any other.
pub(super) fn map<'a>(
    given: impl Iterator<Item = &'a str>,
    wanted: impl Iterator<Item = &'a str>,
) -> Mapping {
    // The file's own names by today's.
    let given: BTreeMap<String, &str> = given.map(|name| (current_name(name), name)).collect();
    let wanted: Vec<&str> = wanted.collect();
    let own: HashSet<&str> = wanted.iter().copied().collect();
    let mut found: BTreeMap<&str, usize> = BTreeMap::new();
    for name in given.keys() {
        let places = std::iter::once(0).chain(name.match_indices('.').map(|(place, _)| place + 1));
        for place in places.filter(|place| own.contains(&name[*place..])) {
            *found.entry(&name[..place]).or_insert(0) += 1;
        }
    }
    let best = found.iter().max_by_key(|(prefix, count)| (**count, std::cmp::Reverse(prefix.len())));
    let prefix = best.map_or("", |(prefix, _)| prefix).to_owned();
    let (mut of, mut missing) = (HashMap::new(), Vec::new());
    for name in wanted {
        match given.get(&format!("{prefix}{name}")) {
            Some(theirs) => drop(of.insert(name.to_owned(), (*theirs).to_owned())),
            None => missing.push(name.to_owned()),
        }
    }
    let taken: HashSet<&str> = of.values().map(String::as_str).collect();
    let unused = given.values().filter(|name| !taken.contains(**name));
    let unused = unused.map(|name| (*name).to_owned()).collect();
    Mapping { prefix, of, missing, unused }
}

impl Mapping {
    /// What is wrong where the network lacks tensors, with the names that come nearest.
    pub fn refusal(&self) -> String {
        let wanted = self.of.len() + self.missing.len();
        let first = self.missing.first().map_or("", String::as_str);
        let missing = list(&self.missing);
        let unused = match self.unused.as_slice() {
            [] => "it has no other tensors".to_owned(),
            unused => {
                let most = unused.iter().max_by_key(|name| alike(name, first));
                let near = most.filter(|name| alike(name, first) > 0).map_or(String::new(), |name| {
                    format!("; `{}` comes nearest to `{first}`", one_line(name, 80))
                });
                format!(
                    "it has {} that the network lacks: {}{near}",
                    counted(unused.len(), "tensor", "tensors"),
                    list(unused)
                )
            }
        };
        format!(
            "lacks {} of the {wanted} tensors that this network takes: {missing}; {unused}; \
             set model.arch to the architecture that the weights are of, or rename them",
            self.missing.len()
        )
    }
}

/// The first of some names.
fn list(names: &[String]) -> String {
    let first: Vec<String> =
        names.iter().take(NAMED).map(|name| format!("`{}`", one_line(name, 80))).collect();
    let more = if names.len() > NAMED { ", …" } else { "" };
    format!("{}{more}", first.join(", "))
}

/// How many characters two names have in common at their ends.
fn alike(a: &str, b: &str) -> usize {
    a.chars().rev().zip(b.chars().rev()).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NETWORK: [&str; 3] = ["conv1.weight", "layer1.0.bn1.running_mean", "layer1.0.conv1.weight"];

    fn mapped(given: &[&str]) -> Mapping {
        map(given.iter().copied(), NETWORK.into_iter())
    }

    #[test]
    fn any_prefix_of_all_names_is_found_and_extras_are_listed() {
        for prefix in [
            "",
            "module.",
            "model.",
            "_orig_mod.",
            "backbone.",
            "encoder.",
            "net.",
            "module.densenet121.",
            "a.b.c.",
        ] {
            let mut names: Vec<String> = NETWORK.iter().map(|name| format!("{prefix}{name}")).collect();
            names.push("criterion.weight".to_owned());
            let mapping = mapped(&names.iter().map(String::as_str).collect::<Vec<_>>());
            assert_eq!((mapping.prefix.as_str(), mapping.missing.len()), (prefix, 0));
            assert_eq!(mapping.unused, ["criterion.weight"]);
            assert_eq!(mapping.of["conv1.weight"], format!("{prefix}conv1.weight"));
        }
    }

    #[test]
    fn of_two_copies_the_one_with_the_shorter_prefix_is_taken() {
        let both: Vec<String> = ["model.", "ema_model."]
            .iter()
            .flat_map(|prefix| NETWORK.map(|name| format!("{prefix}{name}")))
            .collect();
        assert_eq!(mapped(&both.iter().map(String::as_str).collect::<Vec<_>>()).prefix, "model.");
    }

    #[test]
    fn what_is_missing_is_named_with_what_comes_nearest() {
        let mapping = mapped(&["conv1.weight", "layer1.0.bn1.running_mean", "layer1.0.convA.weight"]);
        let said = mapping.refusal();
        assert!(
            said.starts_with("lacks 1 of the 3 tensors that this network takes: `layer1.0.conv1.weight`"),
            "{said}"
        );
        assert!(said.contains("`layer1.0.convA.weight` comes nearest to `layer1.0.conv1.weight`"), "{said}");
    }

    #[test]
    fn the_names_of_old_densenet_files_become_todays() {
        let old = "features.denseblock1.denselayer1.norm.1.running_mean";
        assert_eq!(current_name(old), "features.denseblock1.denselayer1.norm1.running_mean");
        for kept in ["features.norm0.weight", "layer1.0.conv1.weight", "features.transition1.norm.weight"] {
            assert_eq!(current_name(kept), kept);
        }
        let ours = "features.denseblock1.denselayer1.norm1.running_mean";
        let theirs = format!("module.densenet121.{old}");
        let mapping = map([theirs.as_str()].into_iter(), [ours].into_iter());
        assert_eq!(mapping.of[ours], theirs);
    }
}
