# SPDX-License-Identifier: Apache-2.0
# cv.glmnet on the file that the benchmark `lasso` wrote, at the loosest threshold whose path has
# relative duality gaps of at most 1e-5. Prints "CPU seconds, worst relative duality gap, threshold".
suppressMessages(library(glmnet))
file <- file(commandArgs(TRUE)[1], "rb")
sizes <- readBin(file, "integer", 2)
X <- matrix(readBin(file, "double", prod(sizes)), sizes[1])
y <- readBin(file, "double", sizes[1])
fold <- readBin(file, "integer", sizes[1])
n <- nrow(X)
center <- colMeans(X)
spread <- sqrt(colMeans(X^2) - center^2)
Z <- scale(X, center, spread)
v <- y - mean(y)
# (P - D)/P at the best scaled residual, on standardised columns.
gap <- function(fit) {
    worst <- 0
    for (l in seq_along(fit$lambda)) {
        lambda <- fit$lambda[l]
        b <- fit$beta[, l] * spread
        e <- v - as.vector(Z %*% b)
        primal <- sum(e^2) / (2 * n) + lambda * sum(abs(b))
        bound <- lambda / max(abs(crossprod(Z, e)) / n)
        s <- max(-bound, min(bound, sum(v * e) / sum(e^2)))
        worst <- max(worst, (primal - s * sum(v * e) / n + s^2 * sum(e^2) / (2 * n)) / primal)
    }
    worst
}
lambda_max <- max(abs(crossprod(Z, v))) / n
lambda <- lambda_max * 1e-4^((0:99) / 99)
for (thresh in 10^-(7:16)) {
    fit <- glmnet(X, y, lambda = lambda, thresh = thresh, maxit = 1e8)
    reached <- gap(fit)
    if (reached <= 1e-5) break
}
used <- system.time(cv.glmnet(X, y, lambda = lambda, foldid = fold, thresh = thresh, maxit = 1e8))
cat(sprintf("%.4f %.2g %g\n", used[["user.self"]] + used[["sys.self"]], reached, thresh))
