use super::canvas::Plane;
pub struct Effects {
    pub opacity: Plane,
    pub density: Plane,
    pub markings: Plane,
}
impl Effects {
    pub fn none(side: usize) -> Self {
        Self {
            opacity: Plane::filled(side, 0.0),
            density: Plane::filled(side, 0.0),
            markings: Plane::filled(side, 1.0),
        }
    }
}
