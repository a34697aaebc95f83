//! What is to be written, with the places where lines may break, and the decision where they do.
//!
//! **Invariant:** a document knows its width in one line, so deciding takes time by the text around a place and not by the
//! whole document.

/// Columns of a line.
pub(super) const WIDTH: usize = 100;
/// Blanks of a level.
const INDENTATION: usize = 2;
/// The width of what does not fit in one line, whatever the line.
const ENDLESS: usize = usize::MAX / 4;

/// A document.
#[derive(Debug)]
pub(super) struct Doc<'a> {
    shape: Shape<'a>,
    /// Columns in one line; [`ENDLESS`] when it has line ends of its own.
    width: usize,
}

#[derive(Debug)]
enum Shape<'a> {
    Text(&'a str),
    /// One after the other.
    Seq(Vec<Doc<'a>>),
    /// A blank, or a line end in a group that is broken.
    Line,
    /// Nothing, or a line end in a group that is broken.
    SoftLine,
    /// A sign, but nothing in a group that is broken.
    IfFlat(&'static str),
    /// A line end.
    HardLine,
    /// An empty line.
    BlankLine,
    /// A level deeper.
    Indent(Box<Doc<'a>>),
    /// A level deeper in a group that is broken.
    SoftIndent(Box<Doc<'a>>),
    /// In one line when it fits, else broken at each of its lines.
    Group(Box<Doc<'a>>),
    /// As a group, but what has line ends of its own is no reason to break at others.
    SoftGroup(Box<Doc<'a>>),
    /// A sign and the document behind it in the same line if they fit, else the document in the next one.
    Fill(&'static str, Box<Doc<'a>>),
    /// A comment behind what stands in its line.
    Trailing(&'a str),
    /// A comment in a line of its own.
    OwnLine(&'a str),
    /// Elements between brackets.
    List(Box<List<'a>>),
}

/// Elements between brackets, separated by commas.
#[derive(Debug)]
pub(super) struct List<'a> {
    pub(super) open: &'a str,
    pub(super) items: Vec<Item<'a>>,
    /// Comments behind the last element.
    pub(super) end: Doc<'a>,
    pub(super) close: &'a str,
    /// Whether a comma stands behind the last element when the list spans lines.
    pub(super) has_last_comma: bool,
    /// Whether the last element may span lines while the others stand before it in one.
    pub(super) hugs_last: bool,
}

/// An element of a list.
#[derive(Debug)]
pub(super) struct Item<'a> {
    /// Comments before it.
    pub(super) before: Doc<'a>,
    pub(super) doc: Doc<'a>,
    /// The comment behind it.
    pub(super) after: Doc<'a>,
}

impl Item<'_> {
    fn width(&self) -> usize {
        add(self.before.width, add(self.doc.width, self.after.width))
    }

    fn has_comments(&self) -> bool {
        !self.before.is_nothing() || !self.after.is_nothing()
    }
}

impl<'a> Doc<'a> {
    pub(super) fn text(text: &'a str) -> Self {
        let width = if text.contains('\n') { ENDLESS } else { text.chars().count() };
        Doc { shape: Shape::Text(text), width }
    }

    pub(super) fn seq(docs: Vec<Doc<'a>>) -> Self {
        let width = docs.iter().fold(0, |width, doc| add(width, doc.width));
        Doc { shape: Shape::Seq(docs), width }
    }

    pub(super) fn nothing() -> Self {
        Doc::seq(Vec::new())
    }

    pub(super) fn line() -> Self {
        Doc { shape: Shape::Line, width: 1 }
    }

    pub(super) fn soft_line() -> Self {
        Doc { shape: Shape::SoftLine, width: 0 }
    }

    pub(super) fn if_flat(sign: &'static str) -> Self {
        Doc { shape: Shape::IfFlat(sign), width: sign.len() }
    }

    pub(super) fn hard_line() -> Self {
        Doc { shape: Shape::HardLine, width: ENDLESS }
    }

    pub(super) fn blank_line() -> Self {
        Doc { shape: Shape::BlankLine, width: ENDLESS }
    }

    pub(super) fn indent(doc: Doc<'a>) -> Self {
        let width = doc.width;
        Doc { shape: Shape::Indent(Box::new(doc)), width }
    }

    pub(super) fn soft_indent(doc: Doc<'a>) -> Self {
        let width = doc.width;
        Doc { shape: Shape::SoftIndent(Box::new(doc)), width }
    }

    pub(super) fn group(doc: Doc<'a>) -> Self {
        let width = doc.width;
        Doc { shape: Shape::Group(Box::new(doc)), width }
    }

    pub(super) fn soft_group(doc: Doc<'a>) -> Self {
        let width = doc.width;
        Doc { shape: Shape::SoftGroup(Box::new(doc)), width }
    }

    pub(super) fn fill(sign: &'static str, doc: Doc<'a>) -> Self {
        let width = add(sign.len() + 1, doc.width);
        Doc { shape: Shape::Fill(sign, Box::new(doc)), width }
    }

    pub(super) fn trailing(comment: &'a str) -> Self {
        Doc { shape: Shape::Trailing(comment), width: ENDLESS }
    }

    pub(super) fn own_line(comment: &'a str) -> Self {
        Doc { shape: Shape::OwnLine(comment), width: ENDLESS }
    }

    pub(super) fn list(list: List<'a>) -> Self {
        let inside = list.items.iter().fold(0, |width, item| add(width, add(item.width(), 2)));
        let inside = inside.saturating_sub(if list.items.is_empty() { 0 } else { 2 });
        let width = add(add(list.open.len() + list.close.len(), inside), list.end.width);
        Doc { shape: Shape::List(Box::new(list)), width }
    }

    /// Whether it has line ends of its own.
    pub(super) fn is_endless(&self) -> bool {
        self.width >= ENDLESS
    }

    pub(super) fn is_nothing(&self) -> bool {
        matches!(&self.shape, Shape::Seq(docs) if docs.is_empty())
    }
}

fn add(a: usize, b: usize) -> usize {
    if a >= ENDLESS || b >= ENDLESS { ENDLESS } else { a + b }
}

/// The columns at the beginning of `doc` up to where a line may end, and whether one may.
fn head(doc: &Doc<'_>, is_broken: bool) -> (usize, bool) {
    match &doc.shape {
        Shape::Text(text) => match text.split_once('\n') {
            Some((first, _)) => (first.chars().count(), true),
            None => (doc.width, false),
        },
        Shape::Seq(docs) => head_of(docs, is_broken),
        Shape::Line | Shape::SoftLine if is_broken => (0, true),
        Shape::IfFlat(_) if is_broken => (0, false),
        Shape::IfFlat(_) => (doc.width, false),
        Shape::Line | Shape::SoftLine => (doc.width, false),
        Shape::HardLine | Shape::BlankLine | Shape::Fill(..) | Shape::Trailing(_) | Shape::OwnLine(_) => (0, true),
        Shape::Indent(doc) | Shape::SoftIndent(doc) => head(doc, is_broken),
        Shape::Group(doc) => head(doc, true),
        Shape::SoftGroup(doc) => head(doc, !doc.is_endless()),
        Shape::List(list) if list.items.is_empty() => (doc.width, doc.is_endless()),
        // Type arguments are the last to be broken.
        Shape::List(list) if list.open == "<" && !doc.is_endless() => (doc.width, false),
        Shape::List(list) => (list.open.len(), true),
    }
}

fn head_of(docs: &[Doc<'_>], is_broken: bool) -> (usize, bool) {
    let mut width = 0;
    for doc in docs {
        let (columns, may_end) = head(doc, is_broken);
        width += columns;
        if may_end || width > WIDTH {
            return (width, true);
        }
    }
    (width, false)
}

/// Writes a document.
pub(super) fn print(doc: &Doc<'_>) -> String {
    let mut printer = Printer { out: String::new(), column: 0, level: 0, is_line_over: false, is_at_start: true };
    printer.doc(doc, true, 0);
    printer.line_end();
    printer.out
}

struct Printer {
    out: String,
    column: usize,
    level: usize,
    /// Whether nothing more may stand in this line, as it ends in a comment.
    is_line_over: bool,
    /// Whether nothing stands in this line.
    is_at_start: bool,
}

impl Printer {
    fn text(&mut self, text: &str) {
        if self.is_line_over {
            self.line_end();
        }
        if self.is_at_start {
            // A blank between two things is none at the beginning of a line.
            if text == " " {
                return;
            }
            self.column = self.level * INDENTATION;
            self.out.extend(std::iter::repeat_n(' ', self.column));
            self.is_at_start = false;
        }
        self.out.push_str(text);
        match text.rsplit_once('\n') {
            Some((_, last)) => self.column = last.chars().count(),
            None => self.column += text.chars().count(),
        }
    }

    fn line_end(&mut self) {
        if !self.is_at_start {
            let length = self.out.trim_end_matches(' ').len();
            self.out.truncate(length);
            self.out.push('\n');
        }
        self.is_at_start = true;
        self.is_line_over = false;
        self.column = self.level * INDENTATION;
    }

    fn blank_line(&mut self) {
        self.line_end();
        if !self.out.is_empty() && !self.out.ends_with("\n\n") {
            self.out.push('\n');
        }
    }

    /// Whether so many columns fit in the rest of the line.
    fn fits(&self, width: usize, rest: usize) -> bool {
        let column = if self.is_line_over || self.is_at_start { self.level * INDENTATION } else { self.column };
        column.saturating_add(width).saturating_add(rest) <= WIDTH
    }

    /// Writes a document; `rest` columns of what follows have to fit behind its last line.
    fn doc(&mut self, doc: &Doc<'_>, is_broken: bool, rest: usize) {
        match &doc.shape {
            Shape::Text(text) => self.text(text),
            Shape::Seq(docs) => self.seq(docs, is_broken, rest),
            Shape::Line | Shape::SoftLine if is_broken => self.line_end(),
            Shape::Line => self.text(" "),
            Shape::SoftLine => {}
            Shape::IfFlat(sign) => {
                if !is_broken {
                    self.text(sign);
                }
            }
            Shape::HardLine => self.line_end(),
            Shape::BlankLine => self.blank_line(),
            Shape::Indent(doc) => {
                self.level += 1;
                self.doc(doc, is_broken, rest);
                self.level -= 1;
            }
            Shape::SoftIndent(doc) => {
                self.level += usize::from(is_broken);
                self.doc(doc, is_broken, rest);
                self.level -= usize::from(is_broken);
            }
            Shape::Group(doc) => {
                let fits = self.fits(doc.width, rest);
                self.doc(doc, !fits, rest);
            }
            Shape::SoftGroup(doc) => {
                let fits = doc.is_endless() || self.fits(doc.width, rest);
                self.doc(doc, !fits, rest);
            }
            Shape::Fill(sign, doc) => {
                if self.is_line_over || !self.fits(add(sign.len() + 1, doc.width), rest) {
                    self.line_end();
                } else {
                    self.text(sign);
                    self.text(" ");
                }
                self.doc(doc, is_broken, rest);
            }
            Shape::Trailing(comment) => {
                if !self.is_at_start {
                    self.out.push(' ');
                }
                self.text(comment);
                self.is_line_over = true;
            }
            Shape::OwnLine(comment) => {
                self.line_end();
                self.text(comment);
                self.is_line_over = true;
            }
            Shape::List(list) => self.list(list, doc.width, rest),
        }
    }

    fn seq(&mut self, docs: &[Doc<'_>], is_broken: bool, rest: usize) {
        for (at, doc) in docs.iter().enumerate() {
            let (behind, may_end) = head_of(docs.get(at + 1..).unwrap_or(&[]), is_broken);
            self.doc(doc, is_broken, if may_end { behind } else { behind + rest });
        }
    }

    fn list(&mut self, list: &List<'_>, width: usize, rest: usize) {
        if self.fits(width, rest) || (list.items.is_empty() && list.end.is_nothing()) {
            return self.list_in_line(list, rest);
        }
        if let Some((last, others)) = list.items.split_last()
            && list.hugs_last
        {
            let before = others.iter().fold(list.open.len(), |width, item| add(width, add(item.doc.width, 2)));
            let has_comments = list.items.iter().any(Item::has_comments) || !list.end.is_nothing();
            if !has_comments && self.fits(add(before, head(&last.doc, false).0), 0) {
                return self.list_in_line(list, rest);
            }
        }
        self.text(list.open);
        self.level += 1;
        for (at, item) in list.items.iter().enumerate() {
            self.doc(&item.before, true, 0);
            self.line_end();
            self.doc(&item.doc, true, 1);
            if at + 1 < list.items.len() || list.has_last_comma {
                self.text(",");
            }
            self.doc(&item.after, true, 0);
        }
        self.doc(&list.end, true, 0);
        self.level -= 1;
        self.line_end();
        self.text(list.close);
    }

    fn list_in_line(&mut self, list: &List<'_>, rest: usize) {
        self.text(list.open);
        for (at, item) in list.items.iter().enumerate() {
            if at > 0 {
                self.text(", ");
            }
            let is_last = at + 1 == list.items.len();
            self.doc(&item.doc, false, if is_last { list.close.len() + rest } else { 1 });
        }
        self.text(list.close);
    }
}
