//! The programs of `examples/`, which the pages show, run as tests.

mod learner {
    include!("../../examples/learner.rs");

    #[test]
    fn the_program_that_trains_with_the_learner_runs() {
        main().unwrap();
    }
}

mod model {
    include!("../../examples/model.rs");

    #[test]
    fn the_program_that_trains_the_model_runs() {
        main().unwrap();
    }
}
