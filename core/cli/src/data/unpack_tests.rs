//! Archives as they are published, and archives that want out of their folder.
use super::*;
use flate2::{Compression, write::GzEncoder};
use std::io::{Cursor, Write};
use tar::{Builder, EntryType, Header};

/// An entry: its name, its kind, its content or where it leads.
type Entry<'a> = (&'a str, EntryType, &'a str);

const FILE: EntryType = EntryType::Regular;

fn tar_gz(folder: &Path, entries: &[Entry]) -> PathBuf {
    let mut builder = Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (name, kind, content) in entries {
        let mut header = Header::new_gnu();
        // Written past the library's own check of the name.
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(*kind);
        header.set_mode(0o644);
        let data = match kind {
            EntryType::Regular => content.as_bytes(),
            _ => {
                header.as_old_mut().linkname[..content.len()].copy_from_slice(content.as_bytes());
                &[]
            }
        };
        header.set_size(data.len() as u64);
        header.set_cksum();
        builder.append(&header, data).unwrap();
    }
    let path = folder.join("set.tar.gz");
    let bytes = builder.into_inner().unwrap().finish().unwrap();
    fs::write(&path, bytes).unwrap();
    path
}

fn zip_file(folder: &Path, entries: &[(&str, &str)]) -> PathBuf {
    let mut writer = ::zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = ::zip::write::SimpleFileOptions::default();
    for (name, content) in entries {
        if let Some(target) = content.strip_prefix("-> ") {
            writer.add_symlink(*name, target, options).unwrap();
        } else {
            writer.start_file(*name, options).unwrap();
            writer.write_all(content.as_bytes()).unwrap();
        }
    }
    let path = folder.join("set.zip");
    fs::write(&path, writer.finish().unwrap().into_inner()).unwrap();
    path
}

/// What lies beside the archive.
fn beside(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let name = |e: io::Result<fs::DirEntry>| e.unwrap().file_name().into_string().unwrap();
    let names = entries.map(name);
    names.filter(|name| !name.starts_with("set.")).collect()
}

#[test]
fn an_archive_becomes_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    let path = tar_gz(
        folder.path(),
        &[
            ("top/", EntryType::Directory, ""),
            ("./top/a.bin", FILE, "one"),
            ("top/deep/er/b.bin", FILE, "two"),
        ],
    );
    let made = archive(&path, folder.path(), "top").unwrap();
    assert_eq!(fs::read(made.join("a.bin")).unwrap(), b"one");
    assert_eq!(fs::read(made.join("deep/er/b.bin")).unwrap(), b"two");
    assert_eq!(beside(folder.path()), ["top"]);
    let error = archive(&path, folder.path(), "top").unwrap_err();
    assert!(error.to_string().contains("is there already"), "{error}");

    let folder = tempfile::tempdir().unwrap();
    let path = zip_file(
        folder.path(),
        &[("top/wnids.txt", "n01"), ("top/x/y.txt", "z")],
    );
    let made = archive(&path, folder.path(), "top").unwrap();
    assert_eq!(fs::read(made.join("x/y.txt")).unwrap(), b"z");
    assert_eq!(beside(folder.path()), ["top"]);
}

#[test]
fn an_archive_that_leaves_its_folder_is_refused_whole() {
    let bad: [(Entry, &str); 8] = [
        (("top/../../out", FILE, "x"), "leads out of"),
        (("../out", FILE, "x"), "leads out of"),
        (("/tmp/out", FILE, "x"), "leads out of"),
        (("other/out", FILE, "x"), "is not in the folder `top`"),
        (
            ("top/link", EntryType::Symlink, "/etc"),
            "neither file nor folder",
        ),
        (
            ("top/link", EntryType::Link, "top/a.bin"),
            "neither file nor folder",
        ),
        (("top/pipe", EntryType::Fifo, ""), "neither file nor folder"),
        (("top/a.bin", FILE, "again"), "the entry `top/a.bin`"),
    ];
    for (entry, expected) in bad {
        let folder = tempfile::tempdir().unwrap();
        let path = tar_gz(folder.path(), &[("top/a.bin", FILE, "one"), entry]);
        let error = format!("{:#}", archive(&path, folder.path(), "top").unwrap_err());
        assert!(error.contains(expected), "{error}");
        assert_eq!(beside(folder.path()), [""; 0]);
    }
    for (name, content, expected) in [
        ("top/../../out", "x", "leads out of"),
        ("/tmp/out", "x", "leads out of"),
        ("top/link", "-> /etc/passwd", "is a link"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = zip_file(folder.path(), &[("top/a.bin", "one"), (name, content)]);
        let error = format!("{:#}", archive(&path, folder.path(), "top").unwrap_err());
        assert!(error.contains(expected), "{error}");
        assert_eq!(beside(folder.path()), [""; 0]);
    }
}

#[test]
fn a_damaged_archive_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = tar_gz(
        folder.path(),
        &[("top/a.bin", FILE, &"content".repeat(999))],
    );
    let bytes = fs::read(&path).unwrap();
    for end in [0, 1, bytes.len() / 2, bytes.len() - 1] {
        fs::write(&path, &bytes[..end]).unwrap();
        assert!(archive(&path, folder.path(), "top").is_err(), "{end}");
        assert_eq!(beside(folder.path()), [""; 0]);
    }
    fs::write(&path, bytes).unwrap();
    let error = archive(&path, folder.path(), "another").unwrap_err();
    assert!(
        format!("{error:#}").contains("is not in the folder"),
        "{error:#}"
    );
}
