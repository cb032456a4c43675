//! Which prompts there are.

use std::collections::HashMap;

use super::prompt::Prompt;

/// Every prompt, in a stable order (M1).
#[derive(Debug)]
pub struct PromptRegistry {
    prompts: Vec<Prompt>,
    by_name: HashMap<String, usize>,
}

impl PromptRegistry {
    /// The product's prompts.
    #[must_use]
    pub fn standard() -> Self {
        Self::new(super::library())
    }

    /// A registry of these prompts, in this order.
    ///
    /// # Panics
    /// When two prompts have one name: a mistake in the program.
    #[must_use]
    pub fn new(prompts: Vec<Prompt>) -> Self {
        let by_name: HashMap<_, _> = prompts.iter().enumerate().map(|(at, prompt)| (prompt.name().to_owned(), at)).collect();
        assert_eq!(by_name.len(), prompts.len(), "prompt names are unique");
        Self { prompts, by_name }
    }

    /// Every prompt.
    #[must_use]
    pub fn prompts(&self) -> &[Prompt] {
        &self.prompts
    }

    /// The prompt of that name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Prompt> {
        self.by_name.get(name).map(|at| &self.prompts[*at])
    }
}
