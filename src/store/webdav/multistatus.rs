//! The answer to PROPFIND (RFC 4918, sections 13 and 14), read from a server that may mean harm.
//!
//! Bounds: no document type, no entities but the five of XML and character references, at most [`MAX_DEPTH`] elements
//! inside each other and [`MAX_ITEMS`] items. The reader borrows from the text, looks at no attribute and keeps no
//! namespaces, so a million of either costs no more than skipping over them; we ask for named properties only, and
//! their local names are all that tells them apart.

use quick_xml::Reader;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::Event;

/// Longest answer that is read. An item of ours takes about 400 bytes on Apache and nginx, so this holds a folder of
/// some 80,000 files; it is also all the memory that a hostile answer can take.
pub(super) const MAX_BYTES: usize = 32 << 20;
/// Most items in one answer.
const MAX_ITEMS: usize = 100_000;
/// Deepest nesting; a listing needs seven levels.
const MAX_DEPTH: usize = 32;
/// Longest text of one element: a path of our own has at most a few thousand bytes.
const MAX_TEXT: usize = 64 << 10;

/// One `response`: an object or a collection.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Item {
    /// As the server wrote it.
    pub(super) href: String,
    pub(super) collection: bool,
    /// `getcontentlength`
    pub(super) length: Option<u64>,
    /// `quota-available-bytes` (RFC 4331)
    pub(super) free: Option<u64>,
    /// The item as a whole has a status that is no success.
    pub(super) failed: bool,
}

/// Why an answer was not understood.
#[derive(Debug, thiserror::Error)]
pub(super) enum MultistatusError {
    #[error("not well-formed XML")]
    Xml(#[from] quick_xml::Error),
    #[error("not UTF-8")]
    Encoding(#[from] std::str::Utf8Error),
    #[error("not a multistatus document")]
    NotMultistatus,
    #[error("a document type definition")]
    DocumentType,
    #[error("an entity that XML does not know")]
    Entity,
    #[error("elements nested more than {MAX_DEPTH} deep")]
    Depth,
    #[error("more than {MAX_ITEMS} items")]
    Items,
    #[error("an element with more than {MAX_TEXT} bytes of text")]
    Text,
    #[error("ends before it is complete")]
    Incomplete,
}

/// Reads a whole document.
pub(super) fn parse(document: &[u8]) -> Result<Vec<Item>, MultistatusError> {
    let text = std::str::from_utf8(document)?;
    let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}'));
    let mut state = State::default();
    loop {
        match reader.read_event()? {
            Event::Start(tag) => state.open(Element::named(tag.local_name().as_ref()))?,
            Event::End(_) => state.close(),
            Event::Empty(tag) => {
                state.open(Element::named(tag.local_name().as_ref()))?;
                state.close();
            }
            Event::Text(piece) => state.text(&piece)?,
            Event::CData(piece) => state.text(&piece)?,
            Event::GeneralRef(reference) => match reference.resolve_char_ref()? {
                Some(character) => state.text(character.encode_utf8(&mut [0; 4]))?,
                None => state.text(resolve_xml_entity(&reference).ok_or(MultistatusError::Entity)?)?,
            },
            Event::DocType(_) => return Err(MultistatusError::DocumentType),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            Event::Eof => return state.finish(),
        }
    }
}

/// The elements that mean something to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Element {
    Multistatus,
    Response,
    Href,
    Propstat,
    Prop,
    Length,
    Type,
    Collection,
    Free,
    Status,
    Other,
}

impl Element {
    fn named(name: &str) -> Self {
        match name {
            "multistatus" => Self::Multistatus,
            "response" => Self::Response,
            "href" => Self::Href,
            "propstat" => Self::Propstat,
            "prop" => Self::Prop,
            "getcontentlength" => Self::Length,
            "resourcetype" => Self::Type,
            "collection" => Self::Collection,
            "quota-available-bytes" => Self::Free,
            "status" => Self::Status,
            _ => Self::Other,
        }
    }
}

#[derive(Debug, Default)]
struct State {
    /// The elements around the present place.
    open: Vec<Element>,
    /// Text of the innermost element, if it is one whose text counts.
    text: String,
    item: Item,
    /// What the present `propstat` says; it counts only if its status is a success.
    found: Item,
    items: Vec<Item>,
    complete: bool,
}

impl State {
    fn open(&mut self, element: Element) -> Result<(), MultistatusError> {
        if self.open.len() == MAX_DEPTH {
            return Err(MultistatusError::Depth);
        }
        if self.open.is_empty() && (element != Element::Multistatus || self.complete) {
            return Err(MultistatusError::NotMultistatus);
        }
        match element {
            Element::Response if self.items.len() == MAX_ITEMS => return Err(MultistatusError::Items),
            Element::Response => self.item = Item::default(),
            Element::Propstat => self.found = Item::default(),
            _ => {}
        }
        self.text.clear();
        self.open.push(element);
        Ok(())
    }

    fn text(&mut self, piece: &str) -> Result<(), MultistatusError> {
        if matches!(self.open.last(), Some(Element::Href | Element::Length | Element::Free | Element::Status)) {
            if self.text.len() + piece.len() > MAX_TEXT {
                return Err(MultistatusError::Text);
            }
            self.text.push_str(piece);
        }
        Ok(())
    }

    fn close(&mut self) {
        let closed = self.open.pop();
        let text = self.text.trim();
        match (self.open.last(), closed) {
            (Some(Element::Response), Some(Element::Href)) => text.clone_into(&mut self.item.href),
            (Some(Element::Response), Some(Element::Status)) => self.item.failed = !is_success(text),
            (Some(Element::Prop), Some(Element::Length)) => self.found.length = text.parse().ok(),
            (Some(Element::Prop), Some(Element::Free)) => self.found.free = text.parse().ok(),
            (Some(Element::Type), Some(Element::Collection)) => self.found.collection = true,
            (Some(Element::Propstat), Some(Element::Status)) => self.found.failed = !is_success(text),
            (Some(Element::Response), Some(Element::Propstat)) if !self.found.failed => {
                self.item.collection |= self.found.collection;
                self.item.length = self.item.length.or(self.found.length);
                self.item.free = self.item.free.or(self.found.free);
            }
            (Some(Element::Multistatus), Some(Element::Response)) => self.items.push(std::mem::take(&mut self.item)),
            (None, Some(_)) => self.complete = true,
            _ => {}
        }
        self.text.clear();
    }

    fn finish(self) -> Result<Vec<Item>, MultistatusError> {
        if !self.open.is_empty() {
            return Err(MultistatusError::Incomplete);
        }
        if self.complete { Ok(self.items) } else { Err(MultistatusError::NotMultistatus) }
    }
}

/// `HTTP/1.1 200 OK`
fn is_success(status: &str) -> bool {
    status.split_ascii_whitespace().nth(1).is_some_and(|code| code.starts_with('2'))
}

#[cfg(test)]
mod tests;
