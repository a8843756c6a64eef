//! The kinds of components.

use super::Defect;
use super::lots::Lots;
use super::parts::{self, Assembly};

/// A kind of component, one category of the data set.
///
/// The names are those of the eleven categories of ManuDefect-21 (Appl. Sci. 2025, 15(20), 10885); what is
/// drawn is a stand-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Component {
    /// An electrolytic capacitor: a round aluminium can on a square base, two terminals.
    AluminumCapacitor,
    /// A ball grid array: its joints are hidden below the body.
    Bga,
    /// A ceramic chip capacitor, two terminals.
    Capacitor,
    /// A power transistor (TO-252): a large tab on one side, two leads on the other.
    Dpak,
    /// A shielded power inductor, two terminals.
    Inductor,
    /// A quad flat package without leads: its terminals end flush with the body.
    Qfn,
    /// A quad flat package with gull-wing leads on four sides.
    Qfp,
    /// A thick-film chip resistor, two terminals.
    Resistor,
    /// A small outline diode: two leads, a band at the cathode.
    Sod,
    /// A small outline package with eight gull-wing leads.
    Soic,
    /// A small outline transistor (SOT-23) with three gull-wing leads.
    Sot,
}

impl Component {
    /// All of them, in alphabetical order.
    pub const ALL: &'static [Component] = &[
        Component::AluminumCapacitor,
        Component::Bga,
        Component::Capacitor,
        Component::Dpak,
        Component::Inductor,
        Component::Qfn,
        Component::Qfp,
        Component::Resistor,
        Component::Sod,
        Component::Soic,
        Component::Sot,
    ];

    /// The category's name, such as `ALUMINUM_CAPACITOR`.
    ///
    /// ```
    /// use madenet_data::smt::Component;
    ///
    /// let names: Vec<&str> = Component::ALL.iter().map(|component| component.name()).collect();
    /// let expected = "ALUMINUM_CAPACITOR BGA CAPACITOR DPAK INDUCTOR QFN QFP RESISTOR SOD SOIC SOT";
    /// assert_eq!(names.join(" "), expected);
    /// assert_eq!(Component::from_name("SOIC"), Some(Component::Soic));
    /// assert_eq!(Component::from_name("soic"), None);
    /// ```
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Component::AluminumCapacitor => "ALUMINUM_CAPACITOR",
            Component::Bga => "BGA",
            Component::Capacitor => "CAPACITOR",
            Component::Dpak => "DPAK",
            Component::Inductor => "INDUCTOR",
            Component::Qfn => "QFN",
            Component::Qfp => "QFP",
            Component::Resistor => "RESISTOR",
            Component::Sod => "SOD",
            Component::Soic => "SOIC",
            Component::Sot => "SOT",
        }
    }

    /// The component of a [`name`](Self::name).
    #[must_use]
    pub fn from_name(name: &str) -> Option<Component> {
        Component::ALL.iter().copied().find(|component| component.name() == name)
    }

    /// The defects that it can have, in the order of [`Defect::ALL`]: 6 to 10 of the 21. The paper of
    /// ManuDefect-21 counts 82 types of defects over its categories, 5 to 10 in each; this table is made up
    /// so that it sums to 82 as well.
    ///
    /// ```
    /// use madenet_data::smt::{Component, Defect};
    ///
    /// assert_eq!(Component::ALL.iter().map(|component| component.defects().len()).sum::<usize>(), 82);
    /// assert!(Component::Soic.defects().contains(&Defect::Bridge));
    /// assert!(!Component::Resistor.defects().contains(&Defect::Bridge), "bridges need leads side by side");
    /// ```
    #[must_use]
    pub fn defects(self) -> &'static [Defect] {
        use Defect::*;
        match self {
            Component::AluminumCapacitor => {
                &[Missing, Rotation, WrongPolarity, BodyDamage, InsufficientSolder, FluxResidue, Stain]
            }
            Component::Bga => &[Missing, Shift, Rotation, WrongPolarity, SolderBall, ForeignObject],
            Component::Capacitor => &[
                Missing,
                Shift,
                Rotation,
                Tombstone,
                Billboard,
                BodyDamage,
                InsufficientSolder,
                ColdJoint,
                ExcessSolder,
                ForeignObject,
            ],
            Component::Dpak => {
                &[Missing, Shift, LiftedLead, InsufficientSolder, VoidPinhole, NonWetting, Oxidation]
            }
            Component::Inductor => &[Missing, Shift, BodyDamage, ColdJoint, NonWetting, FluxResidue],
            Component::Qfn => &[Missing, Shift, WrongPolarity, Bridge, OpenJoint, Stain],
            Component::Qfp => &[
                Shift,
                Rotation,
                WrongPolarity,
                LiftedLead,
                InsufficientSolder,
                Bridge,
                SolderBall,
                FluxResidue,
                Oxidation,
            ],
            Component::Resistor => &[
                Missing,
                Shift,
                Rotation,
                Tombstone,
                Billboard,
                UpsideDown,
                BodyDamage,
                InsufficientSolder,
                SolderBall,
                ForeignObject,
            ],
            Component::Sod => &[Missing, Shift, WrongPolarity, ColdJoint, ExcessSolder, Stain],
            Component::Soic => &[
                Missing,
                Shift,
                WrongPolarity,
                LiftedLead,
                BodyDamage,
                InsufficientSolder,
                Bridge,
                ForeignObject,
                Oxidation,
            ],
            Component::Sot => &[Missing, Rotation, UpsideDown, LiftedLead, VoidPinhole, OpenJoint],
        }
    }

    /// One component of this kind and the place a board has for it.
    pub(crate) fn assemble(self, lots: &mut Lots) -> Assembly {
        match self {
            Component::AluminumCapacitor => parts::aluminum_capacitor(lots),
            Component::Bga => parts::bga(lots),
            Component::Capacitor => parts::capacitor(lots),
            Component::Dpak => parts::dpak(lots),
            Component::Inductor => parts::inductor(lots),
            Component::Qfn => parts::qfn(lots),
            Component::Qfp => parts::qfp(lots),
            Component::Resistor => parts::resistor(lots),
            Component::Sod => parts::sod(lots),
            Component::Soic => parts::soic(lots),
            Component::Sot => parts::sot(lots),
        }
    }
}
