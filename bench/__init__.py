"""How fast Segl is, as ratios to a floor or a comparison of the same run: `script/bench`. One file a figure; none runs in the test suite."""
