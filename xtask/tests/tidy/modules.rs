//! A crate as its modules see it: which module names which other one in code outside
//! `#[cfg(test)]`, and which types the crate exports.
//!
//! A module is a file; what is written `mod name { … }` belongs to the file that it stands in.
//! An edge is a path that begins with `crate`, `self` or `super`, in a `use`, in code, in a macro's
//! arguments or in a string of an attribute, as serde wants them. It leads to the module that it
//! names; what it names in the crate's root is looked for where the root has it from. A `pub use`
//! passes a name on; it is an edge only where the file also uses the name. What a module uses of
//! the modules inside it is no edge: it is made of them, as a crate's root is made of all.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Attribute, Item, UseTree, Visibility};

/// The modules of one target, its root first.
pub struct Modules(pub Vec<Module>);

/// One file.
pub struct Module {
    /// `["probe", "grid"]`; empty for the root.
    path: Vec<String>,
    file: PathBuf,
    /// Modules that it declares, and whether `pub`.
    children: BTreeMap<String, bool>,
    /// Names that it defines, and which of them are types that are `pub`.
    defines: BTreeSet<String>,
    types: BTreeSet<String>,
    imports: Vec<Import>,
    references: Vec<Reference>,
}

/// One name of a `use`.
struct Import {
    /// The name here; `*` for all.
    name: String,
    reference: Reference,
    /// Whether others may import it from here, and whether other crates may.
    passed_on: bool,
    public: bool,
}

/// A path as it was written, and where.
#[derive(Clone)]
struct Reference {
    /// The modules written `mod name { … }` that it stands in.
    within: Vec<String>,
    path: Vec<String>,
    line: usize,
    /// Whether its last name may be a module, as in a `use`.
    imports: bool,
}

/// How a path is followed.
#[derive(Clone, Copy)]
struct Walk {
    /// Whether its last name may be a module, as in a `use`.
    imports: bool,
    /// Whether names are followed through every module that passes them on.
    through: bool,
    /// How many have been passed: a `use` may lead in a circle.
    steps: usize,
}

/// Which module names which, by index, with the places as `PATH (FILE:LINE)`.
pub type Edges = BTreeMap<(usize, usize), BTreeSet<String>>;

impl Modules {
    /// Reads a target from the file that is its root.
    pub fn read(root: &Path) -> Result<Modules, String> {
        let mut modules = Vec::new();
        let folder = root.parent().unwrap_or(root).to_path_buf();
        read(&mut modules, Vec::new(), root, &folder)?;
        Ok(Modules(modules))
    }

    /// `crate` for the root, else its path.
    pub fn name(&self, module: usize) -> String {
        match self.0[module].path.as_slice() {
            [] => "crate".into(),
            path => path.join("::"),
        }
    }

    pub fn edges(&self) -> Edges {
        let mut edges = Edges::new();
        for (from, module) in self.0.iter().enumerate() {
            let heads: BTreeSet<&String> = module
                .references
                .iter()
                .filter_map(|reference| reference.path.first())
                .collect();
            let imports = module
                .imports
                .iter()
                .filter(|import| !import.passed_on || heads.contains(&import.name))
                .map(|import| &import.reference);
            for reference in module.references.iter().chain(imports) {
                let Some(to) = self.leads_to(from, reference) else {
                    continue;
                };
                let inside = self.0[to].path.starts_with(&module.path);
                if !inside {
                    let file = module.file.file_name().unwrap_or_default();
                    let place = format!(
                        "{} ({}:{})",
                        reference.path.join("::"),
                        file.display(),
                        reference.line
                    );
                    edges.entry((from, to)).or_default().insert(place);
                }
            }
        }
        edges
    }

    /// The types that other crates can name, by the name that they know.
    pub fn exported_types(&self) -> BTreeSet<String> {
        let mut exported = BTreeSet::new();
        self.export(0, &mut exported, &mut BTreeSet::new());
        exported
    }

    fn export(
        &self,
        module: usize,
        exported: &mut BTreeSet<String>,
        visited: &mut BTreeSet<usize>,
    ) {
        if !visited.insert(module) {
            return;
        }
        exported.extend(self.0[module].types.iter().cloned());
        for (child, public) in &self.0[module].children {
            let child = self.child(module, child);
            if *public && let Some(child) = child {
                self.export(child, exported, visited);
            }
        }
        for import in self.0[module].imports.iter().filter(|import| import.public) {
            let Some((to, rest)) = self.resolve(module, &import.reference, true) else {
                continue;
            };
            match rest.as_slice() {
                [] => self.export(to, exported, visited),
                [name] if self.0[to].types.contains(name) => {
                    exported.insert(import.name.clone());
                }
                _ => {}
            }
        }
    }

    fn child(&self, module: usize, name: &str) -> Option<usize> {
        let (last, parent) = (name, &self.0[module].path);
        self.0.iter().position(|module| {
            module
                .path
                .split_last()
                .is_some_and(|(name, path)| name == last && path == parent)
        })
    }

    fn leads_to(&self, from: usize, reference: &Reference) -> Option<usize> {
        self.resolve(from, reference, false)
            .map(|(module, _)| module)
    }

    /// The module that a path leads to, and what it names inside; `through` every module that
    /// passes the name on, or through the root alone.
    fn resolve(
        &self,
        from: usize,
        reference: &Reference,
        through: bool,
    ) -> Option<(usize, Vec<String>)> {
        let path = self.absolute(from, reference)?;
        let walk = Walk {
            imports: reference.imports,
            through,
            steps: 0,
        };
        self.follow(path, walk)
    }

    /// The path from the crate's root; nothing for a path into another crate.
    fn absolute(&self, from: usize, reference: &Reference) -> Option<Vec<String>> {
        // `self` alone is a method's receiver, and any other single name is of this module.
        if !reference.imports && reference.path.len() == 1 {
            return None;
        }
        let module = &self.0[from];
        let mut base = [module.path.as_slice(), &reference.within].concat();
        let mut rest = reference.path.as_slice();
        match rest.first()?.as_str() {
            "crate" => {
                base.clear();
                rest = &rest[1..];
            }
            "self" => rest = &rest[1..],
            "super" => {
                while rest.first().is_some_and(|name| name == "super") {
                    base.pop()?;
                    rest = &rest[1..];
                }
            }
            name if reference.within.is_empty() && module.children.contains_key(name) => {}
            _ => return None,
        }
        base.extend(rest.iter().filter(|name| *name != "*").cloned());
        Some(base)
    }

    fn follow(&self, path: Vec<String>, walk: Walk) -> Option<(usize, Vec<String>)> {
        let mut module = 0;
        for (index, name) in path.iter().enumerate() {
            let rest = &path[index..];
            let passed_on = || {
                let here = module == 0 || walk.through;
                let passed_on = here && walk.steps < 16;
                passed_on
                    .then(|| self.passed_on(module, rest, walk))
                    .flatten()
            };
            let item = !walk.imports && rest.len() == 1;
            if item && let Some(found) = passed_on() {
                return Some(found);
            }
            match self.child(module, name) {
                Some(child) => module = child,
                None => return passed_on().or_else(|| Some((module, rest.to_vec()))),
            }
        }
        Some((module, Vec::new()))
    }

    /// Where a name leads that a module has imported from elsewhere.
    fn passed_on(
        &self,
        module: usize,
        rest: &[String],
        walk: Walk,
    ) -> Option<(usize, Vec<String>)> {
        let next = Walk {
            steps: walk.steps + 1,
            ..walk
        };
        let (name, behind) = rest.split_first()?;
        if self.0[module].defines.contains(name) {
            return None;
        }
        let named = |import: &Import| {
            let mut path = self.absolute(module, &import.reference)?;
            path.extend_from_slice(behind);
            self.follow(path, next)
        };
        let all = |import: &Import| {
            let mut path = self.absolute(module, &import.reference)?;
            let whole = Walk {
                imports: true,
                ..next
            };
            let (to, _) = self.follow(path.clone(), whole)?;
            path.extend_from_slice(rest);
            let (end, left) = self.follow(path, next)?;
            let has = end != to
                || left
                    .first()
                    .is_some_and(|n| self.0[end].defines.contains(n));
            has.then_some((end, left))
        };
        let here = self.0[module]
            .imports
            .iter()
            .filter(|import| import.reference.within.is_empty());
        here.clone()
            .filter(|import| import.name == *name)
            .find_map(named)
            .or_else(|| here.filter(|import| import.name == "*").find_map(all))
    }
}

/// Reads a file and the files of the modules that it declares, which lie in `folder`.
fn read(
    modules: &mut Vec<Module>,
    path: Vec<String>,
    file: &Path,
    folder: &Path,
) -> Result<(), String> {
    let text = std::fs::read_to_string(file).map_err(|e| format!("{}: {e}", file.display()))?;
    let parsed = syn::parse_file(&text).map_err(|e| format!("{}: {e}", file.display()))?;
    let mut reader = Reader {
        module: Module {
            path: path.clone(),
            file: file.to_path_buf(),
            children: BTreeMap::new(),
            defines: BTreeSet::new(),
            types: BTreeSet::new(),
            imports: Vec::new(),
            references: Vec::new(),
        },
        within: Vec::new(),
        hidden: 0,
        files: Vec::new(),
    };
    reader.visit_file(&parsed);
    let files = reader.files;
    modules.push(reader.module);
    for (name, place) in files {
        let inside = folder.join(&name);
        let file = match place {
            Some(place) => file.parent().unwrap_or(folder).join(place),
            None => [folder.join(format!("{name}.rs")), inside.join("mod.rs")]
                .into_iter()
                .find(|file| file.is_file())
                .ok_or_else(|| format!("{}: no file for `mod {name};`", file.display()))?,
        };
        read(modules, [path.clone(), vec![name]].concat(), &file, &inside)?;
    }
    Ok(())
}

/// Whether an item is compiled for tests only.
fn for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let syn::Meta::List(list) = &attribute.meta else {
            return false;
        };
        let words = words(list.tokens.clone());
        list.path.is_ident("cfg")
            && words.iter().any(|word| word == "test")
            && words.iter().all(|word| word != "not")
    })
}

/// Every name in a token stream, groups opened.
fn words(tokens: TokenStream) -> Vec<String> {
    tokens
        .into_iter()
        .flat_map(|token| match token {
            TokenTree::Group(group) => words(group.stream()),
            TokenTree::Ident(name) => vec![name.to_string()],
            _ => Vec::new(),
        })
        .collect()
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::ExternCrate(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::ForeignMod(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::TraitAlias(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Union(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// Fills a module from its file.
struct Reader {
    module: Module,
    within: Vec<String>,
    /// How many blocks and private inline modules it stands in: what they define is not exported.
    hidden: usize,
    /// Modules in files of their own, with what `#[path]` says.
    files: Vec<(String, Option<String>)>,
}

impl Reader {
    fn define(&mut self, name: &syn::Ident, kind: Option<&Visibility>) {
        if self.hidden > 0 {
            return;
        }
        self.module.defines.insert(name.to_string());
        if let Some(Visibility::Public(_)) = kind {
            self.module.types.insert(name.to_string());
        }
    }

    fn refer(&mut self, path: Vec<String>, line: usize) {
        self.module.references.push(Reference {
            within: self.within.clone(),
            path,
            line,
            imports: false,
        });
    }

    fn import(&mut self, tree: &UseTree, before: &[String], visibility: &Visibility) {
        let (name, path) = match tree {
            UseTree::Path(part) => {
                let before = [before, &[part.ident.to_string()]].concat();
                return self.import(&part.tree, &before, visibility);
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.import(tree, before, visibility);
                }
                return;
            }
            UseTree::Name(name) if name.ident == "self" => {
                let name = before.last().cloned().unwrap_or_default();
                (name, before.to_vec())
            }
            UseTree::Name(name) => {
                let name = name.ident.to_string();
                (name.clone(), [before, &[name]].concat())
            }
            UseTree::Rename(name) => {
                let path = [before, &[name.ident.to_string()]].concat();
                (name.rename.to_string(), path)
            }
            UseTree::Glob(_) => ("*".into(), [before, &["*".to_owned()]].concat()),
        };
        self.module.imports.push(Import {
            name,
            reference: Reference {
                within: self.within.clone(),
                path,
                line: tree.span().start().line,
                imports: true,
            },
            passed_on: !matches!(visibility, Visibility::Inherited),
            public: matches!(visibility, Visibility::Public(_)) && self.hidden == 0,
        });
    }

    /// Paths in a macro's arguments, and the types that it is told to define.
    fn scan(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let name = |index: usize| match tokens.get(index) {
            Some(TokenTree::Ident(name)) => Some(name.to_string()),
            _ => None,
        };
        let colons = |index: usize| {
            [index, index + 1].iter().all(|index| {
                matches!(tokens.get(*index), Some(TokenTree::Punct(mark)) if mark.as_char() == ':')
            })
        };
        let mut index = 0;
        while index < tokens.len() {
            let line = tokens[index].span().start().line;
            if let TokenTree::Group(group) = &tokens[index] {
                self.scan(group.stream());
            }
            let mut path: Vec<String> = name(index).into_iter().collect();
            while !path.is_empty() && colons(index + 1) && name(index + 3).is_some() {
                index += 3;
                path.extend(name(index));
            }
            if path.len() > 1 {
                self.refer(path, line);
            } else if let [word] = path.as_slice()
                && ["struct", "enum", "trait", "type"].contains(&word.as_str())
                && index > 0
                && name(index - 1).is_some_and(|word| word == "pub")
                && let Some(TokenTree::Ident(name)) = tokens.get(index + 1)
                && self.hidden == 0
            {
                self.module.defines.insert(name.to_string());
                self.module.types.insert(name.to_string());
            }
            index += 1;
        }
    }
}

impl<'a> Visit<'a> for Reader {
    fn visit_item(&mut self, item: &'a Item) {
        if for_tests(attributes(item)) {
            return;
        }
        match item {
            Item::Struct(item) => self.define(&item.ident, Some(&item.vis)),
            Item::Enum(item) => self.define(&item.ident, Some(&item.vis)),
            Item::Union(item) => self.define(&item.ident, Some(&item.vis)),
            Item::Trait(item) => self.define(&item.ident, Some(&item.vis)),
            Item::Type(item) => self.define(&item.ident, Some(&item.vis)),
            Item::Const(item) => self.define(&item.ident, None),
            Item::Static(item) => self.define(&item.ident, None),
            Item::Fn(item) => self.define(&item.sig.ident, None),
            _ => {}
        }
        visit::visit_item(self, item);
    }

    fn visit_item_mod(&mut self, item: &'a syn::ItemMod) {
        let name = item.ident.to_string();
        let public = matches!(item.vis, Visibility::Public(_));
        let Some((_, items)) = &item.content else {
            let place = item.attrs.iter().find_map(|attribute| {
                let syn::Meta::NameValue(pair) = &attribute.meta else {
                    return None;
                };
                let named = pair.path.is_ident("path");
                named.then(|| string(&pair.value)).flatten()
            });
            self.module.children.insert(name.clone(), public);
            self.files.push((name, place));
            return;
        };
        self.within.push(name);
        self.hidden += usize::from(!public);
        for item in items {
            self.visit_item(item);
        }
        self.hidden -= usize::from(!public);
        self.within.pop();
    }

    fn visit_item_use(&mut self, item: &'a syn::ItemUse) {
        self.import(&item.tree, &[], &item.vis);
    }

    fn visit_impl_item_fn(&mut self, item: &'a syn::ImplItemFn) {
        if !for_tests(&item.attrs) {
            visit::visit_impl_item_fn(self, item);
        }
    }

    fn visit_block(&mut self, block: &'a syn::Block) {
        self.hidden += 1;
        visit::visit_block(self, block);
        self.hidden -= 1;
    }

    fn visit_path(&mut self, path: &'a syn::Path) {
        let names = path.segments.iter().map(|part| part.ident.to_string());
        self.refer(names.collect(), path.span().start().line);
        visit::visit_path(self, path);
    }

    /// `pub(super)` uses nothing.
    fn visit_vis_restricted(&mut self, _: &'a syn::VisRestricted) {}

    fn visit_macro(&mut self, call: &'a syn::Macro) {
        self.visit_path(&call.path);
        self.scan(call.tokens.clone());
    }

    /// `#[serde(with = "crate::hex")]`; prose is no code.
    fn visit_attribute(&mut self, attribute: &'a Attribute) {
        if let syn::Meta::List(list) = &attribute.meta {
            for text in strings(list.tokens.clone()) {
                if text.starts_with("crate::") || text.starts_with("super::") {
                    let path = text.split("::").map(str::to_owned).collect();
                    self.refer(path, attribute.span().start().line);
                }
            }
            self.scan(list.tokens.clone());
        }
    }
}

fn string(value: &syn::Expr) -> Option<String> {
    match value {
        syn::Expr::Lit(syn::ExprLit {
            lit: syn::Lit::Str(text),
            ..
        }) => Some(text.value()),
        _ => None,
    }
}

/// Every string in a token stream, groups opened.
fn strings(tokens: TokenStream) -> Vec<String> {
    tokens
        .into_iter()
        .flat_map(|token| match token {
            TokenTree::Group(group) if group.delimiter() != Delimiter::None => {
                strings(group.stream())
            }
            TokenTree::Literal(literal) => syn::parse_str::<syn::LitStr>(&literal.to_string())
                .map(|text| vec![text.value()])
                .unwrap_or_default(),
            _ => Vec::new(),
        })
        .collect()
}
