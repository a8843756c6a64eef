//! What can be wrong with a board: names and groups.

use madenet_rng::Stream;

use super::defects::{contamination, mounting, soldering};
use super::scene::Scene;

/// A kind of defect, one type of the data set.
///
/// Names and groups are a stand-in taxonomy, made up from what inspection of soldered boards usually tells
/// apart. They are not the 21 types of ManuDefect-21, whose list is not public.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Defect {
    /// The component is not there; its paste has melted by itself.
    Missing,
    /// The component lies beside its place: terminals hang over the side of their pads by 25 to 50 % of their
    /// width. Where pads are too narrow for that to be seen, it is 3 to 6 % of the picture's shorter side
    /// off, up to about a pitch.
    Shift,
    /// The component lies askew on its pads.
    Rotation,
    /// A chip stands on one end, the other one in the air.
    Tombstone,
    /// A chip lies on its long side.
    Billboard,
    /// The component lies on its back.
    UpsideDown,
    /// The component is turned by a half or a quarter: pin 1 or the cathode is in the wrong place.
    WrongPolarity,
    /// A lead is bent upwards and does not reach its pad.
    LiftedLead,
    /// A piece has broken off the body, or the body is cracked.
    BodyDamage,
    /// A pad got 5 to 25 % of its solder; most of it is not wetted.
    InsufficientSolder,
    /// Solder that did not melt through: dull, grainy and lumpy.
    ColdJoint,
    /// So much solder that it bulges over the terminal.
    ExcessSolder,
    /// Solder joins two neighbouring leads.
    Bridge,
    /// Balls of solder lie beside the joints or the body.
    SolderBall,
    /// Gas has left holes in the surface of a joint.
    VoidPinhole,
    /// Solder has drawn back from the pad into beads; the finish of the pad shows.
    NonWetting,
    /// The solder lies on the pad but does not touch the terminal.
    OpenJoint,
    /// A fibre or a particle lies on the board.
    ForeignObject,
    /// A film of flux around a joint: amber and glossy.
    FluxResidue,
    /// A dried drop of a liquid, darker at its rim.
    Stain,
    /// Metal that has tarnished: brown to blue-grey, and dull.
    Oxidation,
}

/// Where in the process a defect arises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DefectGroup {
    /// The component or its position.
    Mounting,
    /// The joints.
    Soldering,
    /// What has come onto the board from outside.
    Contamination,
}

impl Defect {
    /// All of them, group by group.
    pub const ALL: &'static [Defect] = &[
        Defect::Missing,
        Defect::Shift,
        Defect::Rotation,
        Defect::Tombstone,
        Defect::Billboard,
        Defect::UpsideDown,
        Defect::WrongPolarity,
        Defect::LiftedLead,
        Defect::BodyDamage,
        Defect::InsufficientSolder,
        Defect::ColdJoint,
        Defect::ExcessSolder,
        Defect::Bridge,
        Defect::SolderBall,
        Defect::VoidPinhole,
        Defect::NonWetting,
        Defect::OpenJoint,
        Defect::ForeignObject,
        Defect::FluxResidue,
        Defect::Stain,
        Defect::Oxidation,
    ];

    /// The type's name, such as `insufficient_solder`.
    ///
    /// ```
    /// use madenet_data::smt::{Defect, DefectGroup};
    ///
    /// assert_eq!(Defect::InsufficientSolder.name(), "insufficient_solder");
    /// assert_eq!(Defect::from_name("bridge"), Some(Defect::Bridge));
    /// assert_eq!(Defect::Bridge.group(), DefectGroup::Soldering);
    /// ```
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Defect::Missing => "missing",
            Defect::Shift => "shift",
            Defect::Rotation => "rotation",
            Defect::Tombstone => "tombstone",
            Defect::Billboard => "billboard",
            Defect::UpsideDown => "upside_down",
            Defect::WrongPolarity => "wrong_polarity",
            Defect::LiftedLead => "lifted_lead",
            Defect::BodyDamage => "body_damage",
            Defect::InsufficientSolder => "insufficient_solder",
            Defect::ColdJoint => "cold_joint",
            Defect::ExcessSolder => "excess_solder",
            Defect::Bridge => "bridge",
            Defect::SolderBall => "solder_ball",
            Defect::VoidPinhole => "void_pinhole",
            Defect::NonWetting => "non_wetting",
            Defect::OpenJoint => "open_joint",
            Defect::ForeignObject => "foreign_object",
            Defect::FluxResidue => "flux_residue",
            Defect::Stain => "stain",
            Defect::Oxidation => "oxidation",
        }
    }

    /// The defect of a [`name`](Self::name).
    #[must_use]
    pub fn from_name(name: &str) -> Option<Defect> {
        Defect::ALL.iter().copied().find(|defect| defect.name() == name)
    }

    /// The group it belongs to.
    #[must_use]
    pub fn group(self) -> DefectGroup {
        match self {
            Defect::Missing
            | Defect::Shift
            | Defect::Rotation
            | Defect::Tombstone
            | Defect::Billboard
            | Defect::UpsideDown
            | Defect::WrongPolarity
            | Defect::LiftedLead
            | Defect::BodyDamage => DefectGroup::Mounting,
            Defect::InsufficientSolder
            | Defect::ColdJoint
            | Defect::ExcessSolder
            | Defect::Bridge
            | Defect::SolderBall
            | Defect::VoidPinhole
            | Defect::NonWetting
            | Defect::OpenJoint => DefectGroup::Soldering,
            Defect::ForeignObject | Defect::FluxResidue | Defect::Stain | Defect::Oxidation => {
                DefectGroup::Contamination
            }
        }
    }

    /// Spoils a good board.
    pub(crate) fn apply(self, scene: &mut Scene, random: &mut Stream) {
        match self {
            Defect::Missing => mounting::missing(scene, random),
            Defect::Shift => mounting::shift(scene, random),
            Defect::Rotation => mounting::rotation(scene, random),
            Defect::Tombstone => mounting::tombstone(scene, random),
            Defect::Billboard => mounting::billboard(scene, random),
            Defect::UpsideDown => mounting::upside_down(scene, random),
            Defect::WrongPolarity => mounting::wrong_polarity(scene, random),
            Defect::LiftedLead => mounting::lifted_lead(scene, random),
            Defect::BodyDamage => mounting::body_damage(scene, random),
            Defect::InsufficientSolder => soldering::insufficient_solder(scene, random),
            Defect::ColdJoint => soldering::cold_joint(scene, random),
            Defect::ExcessSolder => soldering::excess_solder(scene, random),
            Defect::Bridge => soldering::bridge(scene, random),
            Defect::SolderBall => soldering::solder_ball(scene, random),
            Defect::VoidPinhole => soldering::void_pinhole(scene, random),
            Defect::NonWetting => soldering::non_wetting(scene, random),
            Defect::OpenJoint => soldering::open_joint(scene, random),
            Defect::ForeignObject => contamination::foreign_object(scene, random),
            Defect::FluxResidue => contamination::flux_residue(scene, random),
            Defect::Stain => contamination::stain(scene, random),
            Defect::Oxidation => contamination::oxidation(scene, random),
        }
    }
}
