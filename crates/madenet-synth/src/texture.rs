//! Where texture anomalies come from.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use madenet_image::{Filter, Image, decode, resize};
use madenet_rng::Stream;
use rayon::prelude::*;

use crate::error::pixel_count;
use crate::{Error, Result, procedural};

/// Extensions of textures' files, in any case.
pub(crate) const EXTENSIONS: [&str; 3] = ["jpg", "jpeg", "png"];

/// DTD's folder of classes.
const IMAGES: &str = "images";

/// A collection of textures: photographs of a folder, procedural ones, or the caller's own.
///
/// Textures of a folder are decoded when they are first needed and then kept, as long as they fit into the memory that
/// [`with_memory`](Self::with_memory) allows; the rest is decoded every time. [`preload`](Self::preload) decodes them all.
/// What is kept and what is not changes no pixel. One collection serves many threads.
#[derive(Debug)]
pub struct Textures {
    entries: Vec<Entry>,
    /// Width and height to which files are resized.
    size: (usize, usize),
    /// Bytes that may still be kept.
    memory: AtomicUsize,
}

#[derive(Debug)]
struct Entry {
    name: String,
    /// `None` where the image is in its cell from the start.
    path: Option<PathBuf>,
    image: OnceLock<Image>,
}

impl Textures {
    /// No textures, for structural anomalies alone.
    #[must_use]
    pub fn none() -> Self {
        Self::from_images([])
    }

    /// Textures under their names.
    #[must_use]
    pub fn from_images(images: impl IntoIterator<Item = (String, Image)>) -> Self {
        let entry = |(name, image)| Entry { name, path: None, image: OnceLock::from(image) };
        let entries = images.into_iter().map(entry).collect();
        Textures { entries, size: (1, 1), memory: AtomicUsize::new(0) }
    }

    /// The photographs of a folder like that of DTD, the Describable Textures Dataset (Cimpoi et al. 2014: 47 classes, 5640
    /// pictures): `images/CLASS/NAME.jpg` below `dir`, or `CLASS/NAME.jpg` where there is no folder `images`, ordered by name.
    /// Other files than `.jpg`, `.jpeg` and `.png`, and hidden ones, are passed over. Nothing is decoded yet.
    ///
    /// Every texture is resized to `width` x `height` pixels: give the size of the pictures that get the anomalies.
    ///
    /// # Errors
    /// [`Error::NoTextureFolder`], [`Error::ReadFolder`], [`Error::NoTextureFiles`] or [`Error::Size`].
    pub fn open(dir: impl AsRef<Path>, width: usize, height: usize) -> Result<Self> {
        pixel_count(width, height)?;
        let dir = dir.as_ref();
        let images = dir.join(IMAGES);
        let root = if images.is_dir() { &images } else { dir };
        let mut entries = Vec::new();
        for class in list(root)?.into_iter().filter(|path| path.is_dir()) {
            for path in list(&class)?.into_iter().filter(|path| is_texture(path)) {
                // A file below `root`, so that this is its class and name.
                let name = path.strip_prefix(root).unwrap_or(&path).display().to_string();
                entries.push(Entry { name, path: Some(path), image: OnceLock::new() });
            }
        }
        if entries.is_empty() {
            return Err(Error::NoTextureFiles { path: root.to_owned() });
        }
        Ok(Textures { entries, size: (width, height), memory: AtomicUsize::new(DEFAULT_MEMORY) })
    }

    /// `count` textures that are drawn from noise, for where there are no photographs: clouds, ridges and billows (fractal
    /// sums of Perlin noise), pebbles and cells (Worley noise), stripes and checkers (bent by noise) and grain, in random
    /// colours, scales and directions.
    ///
    /// A picture gets a piece of its own size, cut at a random place; so textures larger than the pictures (one and a half
    /// times, say) give more variety. Drawing takes some 12 ms for a texture of 384x384 and runs on rayon's current pool; a
    /// texture depends on `seed` and its index alone.
    ///
    /// # Errors
    /// [`Error::Size`].
    pub fn procedural(count: usize, width: usize, height: usize, seed: u64) -> Result<Self> {
        pixel_count(width, height)?;
        let draw = |index| procedural::texture(width, height, seed, index as u64);
        let images = (0..count).into_par_iter().map(draw).collect::<Result<Vec<_>>>()?;
        Ok(Self::from_images(images))
    }

    /// Keeps at most `bytes` of decoded files; 4 GiB by default. DTD takes 1.1 GB at 256x256.
    #[must_use]
    pub fn with_memory(mut self, bytes: usize) -> Self {
        self.memory = AtomicUsize::new(bytes);
        self.entries.iter_mut().filter(|entry| entry.path.is_some()).for_each(|entry| {
            entry.image.take();
        });
        self
    }

    /// The number of textures.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The name of a texture: `CLASS/FILE` of a folder's, `KIND-INDEX` of a procedural one.
    ///
    /// # Errors
    /// [`Error::NoSuchTexture`].
    pub fn name(&self, index: usize) -> Result<&str> {
        Ok(&self.entry(index)?.name)
    }

    /// A texture.
    ///
    /// # Errors
    /// [`Error::NoSuchTexture`]; [`Error::TextureFile`] where its file is damaged.
    pub fn get(&self, index: usize) -> Result<Cow<'_, Image>> {
        let entry = self.entry(index)?;
        match (entry.image.get(), &entry.path) {
            (Some(image), _) => Ok(Cow::Borrowed(image)),
            (None, Some(path)) => {
                let (width, height) = self.size;
                let image = read(path, width, height)?;
                Ok(self.keep(&entry.image, image))
            }
            // An entry has a path or an image.
            (None, None) => Err(Error::NoSuchTexture { index, len: self.len() }),
        }
    }

    /// Decodes every texture now, on rayon's current pool, and keeps what fits: a damaged file shows before the training
    /// begins, not in the middle of it.
    ///
    /// # Errors
    /// [`Error::TextureFile`] with the first damaged file by name.
    pub fn preload(&self) -> Result<()> {
        let read: Vec<Result<()>> = (0..self.len()).into_par_iter().map(|i| self.get(i).map(drop)).collect();
        read.into_iter().collect()
    }

    /// A piece of `width` x `height` pixels, at a place that is drawn where the texture is larger; a texture that is smaller
    /// along one side is resized.
    pub(crate) fn cut(
        &self,
        index: usize,
        width: usize,
        height: usize,
        stream: &mut Stream,
    ) -> Result<Image> {
        let texture = self.get(index)?;
        if (texture.width(), texture.height()) == (width, height) {
            return Ok(texture.into_owned());
        }
        if texture.width() < width || texture.height() < height {
            return Ok(resize(&texture.as_view(), width, height, Filter::Bilinear)?.to_rgb());
        }
        let left = stream.below(texture.width() - width + 1);
        let top = stream.below(texture.height() - height + 1);
        let rows = texture.pixels().chunks_exact(3 * texture.width()).skip(top).take(height);
        let mut pixels = Vec::with_capacity(3 * width * height);
        rows.for_each(|row| pixels.extend_from_slice(&row[3 * left..][..3 * width]));
        Ok(Image::new(width, height, pixels)?)
    }

    fn entry(&self, index: usize) -> Result<&Entry> {
        self.entries.get(index).ok_or(Error::NoSuchTexture { index, len: self.len() })
    }

    /// Puts a decoded file into its cell, if there is memory left.
    fn keep<'a>(&self, cell: &'a OnceLock<Image>, image: Image) -> Cow<'a, Image> {
        let bytes = image.pixels().len();
        let reserve = |left: usize| left.checked_sub(bytes);
        if self.memory.fetch_update(Ordering::Relaxed, Ordering::Relaxed, reserve).is_err() {
            return Cow::Owned(image);
        }
        let mut kept = false;
        let image = cell.get_or_init(|| {
            kept = true;
            image
        });
        if !kept {
            // Another thread has decoded the same file meanwhile.
            self.memory.fetch_add(bytes, Ordering::Relaxed);
        }
        Cow::Borrowed(image)
    }
}

/// Four times what DTD takes at 256x256; less where memory cannot be addressed.
const DEFAULT_MEMORY: usize = if usize::BITS > 32 { (4_u64 << 30) as usize } else { 1 << 30 };

fn read(path: &Path, width: usize, height: usize) -> Result<Image> {
    let error = |source| Error::TextureFile { path: path.to_owned(), source };
    let raster = decode(path).map_err(error)?;
    Ok(resize(&raster.as_view(), width, height, Filter::Bilinear).map_err(error)?.to_rgb())
}

/// What is in a folder, by name.
fn list(dir: &Path) -> Result<Vec<PathBuf>> {
    let error = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => Error::NoTextureFolder { path: dir.to_owned() },
        _ => Error::ReadFolder { path: dir.to_owned(), source },
    };
    let paths = fs::read_dir(dir).map_err(error)?.map(|entry| Ok(entry?.path()));
    let mut paths = paths.collect::<io::Result<Vec<_>>>().map_err(error)?;
    paths.sort();
    Ok(paths)
}

fn is_texture(path: &Path) -> bool {
    let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
    let extension = path.extension().and_then(OsStr::to_str).map(str::to_ascii_lowercase);
    let known = extension.is_some_and(|extension| EXTENSIONS.contains(&extension.as_str()));
    known && !hidden && path.is_file()
}
