"""Programs that measure mmc2f, each as ratios of two things in one run."""
