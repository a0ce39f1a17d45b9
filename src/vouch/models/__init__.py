"""What every search for a model needs: trials, folds, leaderboard, surrogates."""
