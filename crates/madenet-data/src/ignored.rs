//! Why a file plays no part.

use std::fmt;

use crate::IMAGE_EXTENSIONS;

/// Why a file, or a folder as a whole, plays no part in a data set.
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
    /// A symbolic link to nothing.
    BrokenLink,
    /// A symbolic link to a folder that plays no part, which is not looked into.
    LinkedFolder,
    /// A folder that lies on the way to itself.
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
            Ignored::BrokenLink => "links to nothing",
            Ignored::LinkedFolder => "linked folders that were not looked into",
            Ignored::LinkLoop => "folders on the way to themselves",
            Ignored::TooDeep => "folders too deep",
            Ignored::Unreadable => "folders that cannot be listed",
            Ignored::NotAFile => "sockets, pipes or devices",
            Ignored::Hidden => "hidden files and folders",
            Ignored::NotAnImage => return write!(f, "files not named *.{}", IMAGE_EXTENSIONS.join(", *.")),
        })
    }
}
