fn main() { chestxr_tui::native::tune_allocator(); println!("{:?}", tch::Tensor::randn([2], tch::kind::FLOAT_CPU)); }
