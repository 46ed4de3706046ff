//! What lies in the store's folders, and what does not belong there.

use crate::{
    Audit, Error, Store,
    audit::{Fault, Named},
    error::failed,
    files::write::kind_name,
};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

impl Store {
    /// The files `folder/ab/abcd…`, in order; everything else in there is a stranger.
    pub(super) fn fanned_out(&self, folder: &str, audit: &mut Audit) -> Result<Vec<Named>, Error> {
        let mut files = Vec::new();
        for (name, path) in self.listing(Path::new(folder))? {
            let kind = self.kind(&path)?;
            let name = name.unwrap_or_default();
            let digits = |c: u8| matches!(c, b'0'..=b'9' | b'a'..=b'f');
            if kind != "a folder" || name.len() != 2 || !name.bytes().all(digits) {
                audit.stranger(path, kind);
                continue;
            }
            for file in self.files_named_by_digest(&path, audit)? {
                if file.name.to_string().starts_with(&name) {
                    files.push(file);
                } else {
                    let what = format!(
                        "expected only names that start with `{name}` in this folder; move it to where its name belongs"
                    );
                    audit.problem(Fault::Stranger, file.path, what);
                }
            }
        }
        Ok(files)
    }

    pub(super) fn files_named_by_digest(
        &self,
        folder: &Path,
        audit: &mut Audit,
    ) -> Result<Vec<Named>, Error> {
        self.entries_named_by_digest(folder, "a file", audit)
    }

    pub(super) fn folders_named_by_digest(
        &self,
        folder: &Path,
        audit: &mut Audit,
    ) -> Result<Vec<Named>, Error> {
        self.entries_named_by_digest(folder, "a folder", audit)
    }

    pub(super) fn entries_named_by_digest(
        &self,
        folder: &Path,
        wanted: &str,
        audit: &mut Audit,
    ) -> Result<Vec<Named>, Error> {
        let mut files = Vec::new();
        for (name, path) in self.listing(folder)? {
            let kind = self.kind(&path)?;
            match name.and_then(|name| name.parse().ok()) {
                Some(name) if kind == wanted => files.push(Named { name, path }),
                Some(_) if kind != "nothing" => {
                    let what = format!("expected {wanted}, found {kind}");
                    audit.problem(Fault::Damaged, path, what);
                }
                _ => audit.stranger(path, kind),
            }
        }
        Ok(files)
    }

    /// Names (`None` if not UTF-8) and paths relative to the store, in order of their bytes.
    pub(super) fn listing(&self, folder: &Path) -> Result<Vec<(Option<String>, PathBuf)>, Error> {
        let absolute = self.root().join(folder);
        let is_folder = fs::symlink_metadata(&absolute).is_ok_and(|found| found.is_dir());
        if !is_folder {
            // Absent in a store that cannot be written; anything else is told by its parent.
            return Ok(Vec::new());
        }
        let mut entries = Vec::new();
        let doing = "could not list the folder";
        for entry in fs::read_dir(&absolute).map_err(failed(&absolute, doing))? {
            let name = entry.map_err(failed(&absolute, doing))?.file_name();
            entries.push((name.to_str().map(str::to_string), folder.join(name)));
        }
        entries.sort();
        Ok(entries)
    }

    /// What is there, in words; "nothing" if it went since it was listed.
    pub(super) fn kind(&self, path: &Path) -> Result<&'static str, Error> {
        let absolute = self.root().join(path);
        match fs::symlink_metadata(&absolute) {
            Ok(found) => Ok(kind_name(found.file_type())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok("nothing"),
            Err(source) => Err(failed(absolute, "could not look at it")(source)),
        }
    }
}
