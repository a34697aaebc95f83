//! Which peer may do what, as a node's file says it.

use fardel_node::server::{Grants, Reach, Roles};
use std::collections::BTreeMap;

/// A role: what whoever has it may do, and who that is.
#[derive(serde::Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Role {
    send: Send,
    spawn: bool,
    code: bool,
    administer: bool,
    nodes: Vec<String>,
}

/// To whom messages and signals may go.
#[derive(serde::Deserialize, Clone, Copy, Debug)]
#[serde(rename_all = "lowercase")]
enum Send {
    Nothing,
    Exported,
    Any,
}

impl Default for Role {
    fn default() -> Role {
        let Grants { spawn, code, administer, send: _ } = Grants::MEMBER;
        Role { send: Send::Any, spawn, code, administer, nodes: Vec::new() }
    }
}

impl Role {
    fn grants(&self) -> Grants {
        let send = match self.send {
            Send::Nothing => Reach::Nothing,
            Send::Exported => Reach::Exported,
            Send::Any => Reach::Any,
        };
        Grants { send, spawn: self.spawn, code: self.code, administer: self.administer }
    }
}

/// What an option takes away from all that have no role of their own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Withheld {
    pub(crate) spawn: bool,
    pub(crate) code: bool,
}

/// The roles of a node. `is_certified` says whether nodes have certificates: where they all have the same key, or none,
/// nothing tells who among them administers, so all do.
///
/// # Errors
/// What is wrong with the roles, for people.
pub(crate) fn roles(
    roles: &BTreeMap<String, Role>,
    default: Option<&str>,
    withheld: Withheld,
    is_certified: bool,
) -> Result<Roles, String> {
    let usual = match default {
        None => Grants { administer: !is_certified, ..Grants::MEMBER },
        Some(name) => roles.get(name).ok_or_else(|| format!("the default role `{name}` is none of the roles"))?.grants(),
    };
    let usual = Grants { spawn: usual.spawn && !withheld.spawn, code: usual.code && !withheld.code, ..usual };
    let mut all = Roles::all(usual);
    for (name, role) in roles {
        if !role.nodes.is_empty() && !is_certified {
            return Err(format!("role `{name}` names nodes, and only certificates prove which node a peer is"));
        }
        if let Some(node) = role.nodes.iter().find(|node| !all.give(node, role.grants())) {
            return Err(format!("node `{node}` has role `{name}` and another one as well"));
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use fardel_node::keys::NodeId;

    const FILE: &str = "
        [operator]
        administer = true
        nodes = [\"Admin\"]
        [guest]
        send = \"exported\"
        spawn = false
        code = false
        nodes = [\"07070707070707070707070707070707\"]";

    const NOTHING: Withheld = Withheld { spawn: false, code: false };

    fn parsed(file: &str) -> BTreeMap<String, Role> {
        toml::from_str(file).expect("the file is right")
    }

    #[test]
    fn a_role_is_had_by_name_or_id_where_certificates_prove_it() {
        let roles = roles(&parsed(FILE), None, NOTHING, true).expect("the roles are right");
        let (known, other) = (NodeId([7; 16]), NodeId([8; 16]));
        let operator = Grants { administer: true, ..Grants::MEMBER };
        let guest = Grants { send: Reach::Exported, ..Grants::NONE };
        assert_eq!(roles.of(other, Some(&["admin".to_owned()])), operator);
        assert_eq!(roles.of(other, Some(&["other".to_owned()])), Grants::MEMBER);
        assert_eq!(roles.of(known, Some(&[])), guest);
        assert_eq!(roles.of(known, None), Grants::MEMBER, "nothing has proven it");
    }

    #[test]
    fn the_others_have_the_default_role_without_what_is_withheld() {
        let of = |default, withheld, is_certified| {
            let file = FILE.replace("nodes", "# nodes");
            roles(&parsed(&file), default, withheld, is_certified).map(|roles| roles.of(NodeId([1; 16]), None))
        };
        let all = Grants { administer: true, ..Grants::MEMBER };
        assert_eq!(of(None, NOTHING, false), Ok(all));
        assert_eq!(of(None, NOTHING, true), Ok(Grants::MEMBER));
        assert_eq!(of(None, Withheld { spawn: true, code: false }, false), Ok(Grants { spawn: false, ..all }));
        assert_eq!(of(None, Withheld { spawn: false, code: true }, false), Ok(Grants { code: false, ..all }));
        assert_eq!(of(Some("guest"), NOTHING, false), Ok(Grants { send: Reach::Exported, ..Grants::NONE }));
        assert_eq!(of(Some("none"), NOTHING, false), Err("the default role `none` is none of the roles".to_owned()));
    }

    #[test]
    fn a_node_has_one_role_and_proves_who_it_is() {
        let twice = parsed("[a]\nnodes = [\"x\"]\n[b]\nspawn = false\nnodes = [\"X\"]");
        let told = roles(&twice, None, NOTHING, true).map(|_| ()).expect_err("`x` has two roles");
        assert_eq!(told, "node `X` has role `b` and another one as well");
        let told = roles(&twice, None, NOTHING, false).map(|_| ()).expect_err("a shared key proves no name");
        assert_eq!(told, "role `a` names nodes, and only certificates prove which node a peer is");
    }
}
