//! Why a file plays no part.

use std::fmt;

use crate::IMAGE_EXTENSIONS;

/// Why a file, or a folder as a whole, plays no part in a data set: it was never a sample, unlike a
/// [`Quarantined`](crate::Quarantined) one, which is a sample that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Ignored {
    /// An image where the layout has none, for instance directly in `train`.
    OutsideLayout,
    /// An image that the table does not name.
    NotInTable,
    /// A mask without an image of its name and type of defect.
    MaskWithoutImage,
    /// A mask of an image that has another one already.
    SecondMask,
    /// A mask in the folder of the good images.
    MaskOfNormal,
    /// A JPEG where masks lie: its compression alters zeros.
    MaskFormat,
    /// A picture or a folder whose name is no UTF-8, so that it cannot be part of an id.
    NotUtf8,
    /// A symbolic link that cannot be followed: to nothing, or to where one may not look.
    BrokenLink,
    /// A symbolic link to a folder that plays no part, which is not looked into.
    LinkedFolder,
    /// A symbolic link in a circle: over links to itself, or to a folder on the way to it.
    LinkLoop,
    /// A folder more than 16 folders down.
    TooDeep,
    /// A folder that plays no part and cannot be listed.
    Unreadable,
    /// A socket, pipe or device.
    NotAFile,
    /// A name that begins with a dot.
    Hidden,
    /// An ending other than those of [`IMAGE_EXTENSIONS`].
    NotAnImage,
}

impl Ignored {
    /// What is said of one file: `a mask without an image`.
    pub(crate) fn of_one(self) -> &'static str {
        match self {
            Ignored::OutsideLayout => "an image where the layout has none",
            Ignored::NotInTable => "an image that the table does not name",
            Ignored::MaskWithoutImage => "a mask without an image",
            Ignored::SecondMask => "a mask of an image that has one already",
            Ignored::MaskOfNormal => "a mask of a good image",
            Ignored::MaskFormat => "a JPEG file for a mask, expected PNG, BMP or TIFF",
            Ignored::NotUtf8 => "a name that is not UTF-8",
            Ignored::BrokenLink => "a link that cannot be followed",
            Ignored::LinkedFolder => "a linked folder that was not looked into",
            Ignored::LinkLoop => "a link that leads in a circle",
            Ignored::TooDeep => "a folder too deep",
            Ignored::Unreadable => "a folder that cannot be listed",
            Ignored::NotAFile => "a socket, pipe or device",
            Ignored::Hidden => "hidden",
            Ignored::NotAnImage => "not an image",
        }
    }
}

/// What stands over a list of files: `masks without an image`.
impl fmt::Display for Ignored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Ignored::OutsideLayout => "images where the layout has none",
            Ignored::NotInTable => "images that the table does not name",
            Ignored::MaskWithoutImage => "masks without an image",
            Ignored::SecondMask => "masks of images that have one already",
            Ignored::MaskOfNormal => "masks of good images",
            Ignored::MaskFormat => "JPEG files for masks, expected PNG, BMP or TIFF",
            Ignored::NotUtf8 => "names that are not UTF-8",
            Ignored::BrokenLink => "links that cannot be followed",
            Ignored::LinkedFolder => "linked folders that were not looked into",
            Ignored::LinkLoop => "links that lead in a circle",
            Ignored::TooDeep => "folders too deep",
            Ignored::Unreadable => "folders that cannot be listed",
            Ignored::NotAFile => "sockets, pipes or devices",
            Ignored::Hidden => "hidden files and folders",
            Ignored::NotAnImage => return write!(f, "files not named *.{}", IMAGE_EXTENSIONS.join(", *.")),
        })
    }
}
