//! The part of the FlatBuffers format that a TensorFlow Lite model needs: tables, vectors and numbers, every offset
//! checked. The public crate reads only through generated code, and the schema's has none that is kept.

/// A file, read as a flatbuffer.
#[derive(Clone, Copy)]
pub struct Buffer<'a>(pub &'a [u8]);

/// A table in it: named fields by their slot in the schema; those left out have their default.
#[derive(Clone, Copy)]
pub struct Table<'a> {
    buffer: Buffer<'a>,
    at: usize,
}

type Result<T> = std::result::Result<T, String>;

impl<'a> Buffer<'a> {
    fn bytes<const N: usize>(self, at: usize) -> Result<[u8; N]> {
        let found = at.checked_add(N).and_then(|end| self.0.get(at..end));
        found
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or_else(|| format!("an offset leads to byte {at}, past its end"))
    }

    fn u16(self, at: usize) -> Result<usize> {
        Ok(u16::from_le_bytes(self.bytes(at)?) as usize)
    }

    fn u32(self, at: usize) -> Result<usize> {
        Ok(u32::from_le_bytes(self.bytes(at)?) as usize)
    }

    /// Where the offset at `at` leads.
    fn follow(self, at: usize) -> Result<usize> {
        at.checked_add(self.u32(at)?).ok_or_else(|| "an offset is out of range".into())
    }

    pub fn root(self) -> Result<Table<'a>> {
        Ok(Table { buffer: self, at: self.follow(0)? })
    }
}

impl<'a> Table<'a> {
    /// Where the field of `slot` stands; none if it was left out.
    fn field(self, slot: usize) -> Result<Option<usize>> {
        let back = i32::from_le_bytes(self.buffer.bytes(self.at)?);
        let fields = (self.at as i64 - back as i64).try_into().map_err(|_| "a table has no fields")?;
        let entry = 4 + 2 * slot;
        if entry + 2 > self.buffer.u16(fields)? {
            return Ok(None);
        }
        let offset = self.buffer.u16(fields + entry)?;
        Ok((offset != 0).then_some(self.at + offset))
    }

    pub fn byte(self, slot: usize) -> Result<u8> {
        Ok(self.field(slot)?.map(|at| self.buffer.bytes::<1>(at)).transpose()?.map_or(0, |[byte]| byte))
    }

    /// An integer of four bytes, or `default`.
    pub fn int(self, slot: usize, default: i32) -> Result<i32> {
        Ok(self.field(slot)?.map(|at| self.buffer.bytes(at)).transpose()?.map_or(default, i32::from_le_bytes))
    }

    pub fn table(self, slot: usize) -> Result<Option<Table<'a>>> {
        let at = self.field(slot)?.map(|at| self.buffer.follow(at)).transpose()?;
        Ok(at.map(|at| Table { at, ..self }))
    }

    /// Start and length of a vector; an absent one is empty.
    fn vector(self, slot: usize) -> Result<(usize, usize)> {
        let Some(field) = self.field(slot)? else { return Ok((0, 0)) };
        let at = self.buffer.follow(field)?;
        Ok((at + 4, self.buffer.u32(at)?))
    }

    pub fn tables(self, slot: usize) -> Result<Vec<Table<'a>>> {
        let (start, length) = self.vector(slot)?;
        (0..length).map(|i| Ok(Table { at: self.buffer.follow(start + 4 * i)?, ..self })).collect()
    }

    pub fn ints(self, slot: usize) -> Result<Vec<i32>> {
        let (start, length) = self.vector(slot)?;
        (0..length).map(|i| Ok(i32::from_le_bytes(self.buffer.bytes(start + 4 * i)?))).collect()
    }

    /// A vector of bytes, or a string.
    pub fn data(self, slot: usize) -> Result<&'a [u8]> {
        let (start, length) = self.vector(slot)?;
        let found = start.checked_add(length).and_then(|end| self.buffer.0.get(start..end));
        found.ok_or_else(|| "a vector reaches past its end".into())
    }
}
