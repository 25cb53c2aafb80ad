//! The shipped strategies as components: what they import, and that none goes untested.

use stratagem_e2e::{STRATEGIES, configured, root};

#[test]
fn every_strategy_directory_is_tested() {
    let entries = std::fs::read_dir(root().join("strategies")).unwrap();
    let mut on_disk: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    on_disk.sort();
    assert_eq!(on_disk, STRATEGIES, "list the new strategy in `STRATEGIES`");
}

#[test]
fn shipped_components_import_nothing_but_the_log() {
    for name in STRATEGIES {
        let configured = configured(name, &[]);
        assert_eq!(configured.strategy().shape().imports, ["stratagem:strategy/log@1.0.0"], "{name}");
    }
}

#[test]
fn descriptions_are_complete() {
    for name in STRATEGIES {
        let configured = configured(name, &[]);
        let description = configured.strategy().description();
        assert_eq!(description.name, name);
        assert!(description.title.chinese.is_some() && description.summary.chinese.is_some(), "{name}");
        for parameter in &description.parameters {
            assert!(parameter.help.len() > 10, "{name}: {} has no help", parameter.name);
        }
    }
}
