"""Made patients with exact ground truth, for tests, demonstration and training."""
