//! Texts and byte strings outside of blocks: large ones, shared by all fibers that hold them, and those of modules' data.
//!
//! An object in a block names a shared one by number. Each holder, a block or a message, counts once per such object.
//!
//! **Invariant:** bytes of a text are UTF-8; bytes never change or move while they are held.

use super::release::Released;

/// From this size on a text or byte string lies outside of the block.
pub(crate) const SHARED_BYTES_MIN: usize = 4096;

/// Shared texts and byte strings with their counts of holders.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    entries: Vec<Entry>,
    free: Vec<u32>,
    /// Bytes of all entries.
    pub(crate) bytes: u64,
    /// Memory of entries and messages that is no longer in use.
    pub(crate) released: Released,
}

#[derive(Debug, Default)]
struct Entry {
    bytes: Box<[u8]>,
    holders: u32,
}

impl Shared {
    pub(crate) fn new(machine_bytes_max: u64) -> Shared {
        Shared { released: Released::of(machine_bytes_max), ..Shared::default() }
    }

    /// Takes bytes in, with one holder.
    pub(crate) fn add(&mut self, bytes: Box<[u8]>) -> u32 {
        self.bytes += bytes.len() as u64;
        let entry = Entry { bytes, holders: 1 };
        if let Some(number) = self.free.pop() {
            self.entries[number as usize] = entry;
            return number;
        }
        self.entries.push(entry);
        self.entries.len() as u32 - 1
    }

    pub(crate) fn get(&self, number: u32) -> &[u8] {
        &self.entries[number as usize].bytes
    }

    /// The address of an entry's first byte.
    ///
    /// # Safety
    /// The entry is held. The address is good while it is.
    #[inline(always)]
    pub(crate) unsafe fn raw(&self, number: u32) -> *const u8 {
        // SAFETY: a held entry is in the table.
        unsafe { self.entries.get_unchecked(number as usize).bytes.as_ptr() }
    }

    /// Adds a holder.
    pub(crate) fn hold(&mut self, number: u32) {
        self.entries[number as usize].holders += 1;
    }

    /// Takes a holder away; the last one frees the entry.
    pub(crate) fn release(&mut self, number: u32) {
        let entry = &mut self.entries[number as usize];
        entry.holders -= 1;
        if entry.holders == 0 {
            self.bytes -= entry.bytes.len() as u64;
            self.released.add_bytes(std::mem::take(&mut entry.bytes));
            self.free.push(number);
        }
    }
}

/// The texts and byte strings of the modules' data; they stay as long as the machine.
#[derive(Debug, Default)]
pub(crate) struct Constants {
    entries: Vec<Box<[u8]>>,
}

impl Constants {
    pub(crate) fn add(&mut self, bytes: &[u8]) -> u32 {
        self.entries.push(bytes.into());
        self.entries.len() as u32 - 1
    }

    pub(crate) fn get(&self, number: u32) -> &[u8] {
        &self.entries[number as usize]
    }

    /// The address and count of an entry's bytes.
    ///
    /// # Safety
    /// The number is of an entry. The address is good as long as the machine.
    #[inline(always)]
    pub(crate) unsafe fn raw(&self, number: u32) -> (*const u8, usize) {
        // SAFETY: by contract.
        let entry = unsafe { self.entries.get_unchecked(number as usize) };
        (entry.as_ptr(), entry.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_holder_frees() {
        let mut shared = Shared::default();
        let number = shared.add(Box::from(*b"text"));
        shared.hold(number);
        shared.release(number);
        assert_eq!((shared.get(number), shared.bytes), (&b"text"[..], 4));
        shared.release(number);
        assert_eq!(shared.bytes, 0);
        assert_eq!(shared.add(Box::from(*b"next")), number, "its number is used again");
    }
}
