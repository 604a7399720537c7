"""Three engines that compute the same connected components."""
