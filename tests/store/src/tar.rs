//! The tar of a bundle made and read by hand, with no library and nothing of the store.

/// A member: header fields as asked, a right checksum.
pub struct Entry {
    /// At most 100 bytes.
    pub name: Vec<u8>,
    /// The type flag: `b'0'` a file, `b'2'` a link to `/etc/passwd`, …
    pub kind: u8,
    /// Permissions.
    pub mode: u64,
    /// Seconds since 1970.
    pub time: u64,
    /// As the header says it.
    pub size: u64,
    /// Whatever the header says.
    pub content: Vec<u8>,
}

impl Entry {
    /// As a bundle has it.
    pub fn file(name: &str, content: &[u8]) -> Entry {
        Entry {
            name: name.into(),
            kind: b'0',
            mode: 0o444,
            time: 0,
            size: content.len() as u64,
            content: content.into(),
        }
    }

    /// Header, content, padding.
    pub fn bytes(&self) -> Vec<u8> {
        let mut block = vec![0; 512];
        block[..self.name.len()].copy_from_slice(&self.name);
        let mut octal = |at: usize, width: usize, value: u64| {
            let text = format!("{value:0width$o}\0", width = width - 1);
            block[at..at + width].copy_from_slice(text.as_bytes());
        };
        octal(100, 8, self.mode);
        octal(108, 8, 0);
        octal(116, 8, 0);
        octal(124, 12, self.size);
        octal(136, 12, self.time);
        block[148..156].fill(b' ');
        block[156] = self.kind;
        if self.kind == b'2' || self.kind == b'1' {
            block[157..168].copy_from_slice(b"/etc/passwd");
        }
        block[257..265].copy_from_slice(b"ustar\x0000");
        let sum: u64 = block.iter().map(|byte| u64::from(*byte)).sum();
        block[148..156].copy_from_slice(format!("{sum:07o}\0").as_bytes());
        block.extend_from_slice(&self.content);
        block.resize(block.len().next_multiple_of(512), 0);
        block
    }
}

/// The entries of a good bundle, read here by hand.
pub fn entries(bundle: &[u8]) -> Vec<Entry> {
    let mut found = Vec::new();
    let mut at = 0;
    while bundle[at] != 0 {
        let name = bundle[at..at + 100]
            .split(|byte| *byte == 0)
            .next()
            .unwrap();
        let size = std::str::from_utf8(&bundle[at + 124..at + 135]).unwrap();
        let size = usize::from_str_radix(size, 8).unwrap();
        let content = &bundle[at + 512..at + 512 + size];
        found.push(Entry::file(std::str::from_utf8(name).unwrap(), content));
        at += 512 + size.next_multiple_of(512);
    }
    found
}

/// The tar of these members.
pub fn archive(entries: &[Entry]) -> Vec<u8> {
    let mut bytes: Vec<u8> = entries.iter().flat_map(Entry::bytes).collect();
    bytes.resize(bytes.len() + 1024, 0);
    bytes
}
