# SPDX-License-Identifier: Apache-2.0
# Writes glmnet_fixture.h: rows, λ and the coefficients of R's glmnet, for test_lasso.c.
# Run: Rscript tests/train/glmnet_fixture.R > tests/train/glmnet_fixture.h
# Columns depend on each other (as polynomials of sizes do), weights differ, and glmnet standardises
# with them. Its λ is that of (1/2)Σ w(y − xβ)² + λ‖β‖₁ with Σ w = 1, on the scale of y: ours.
suppressMessages(library(glmnet))
set.seed(7)
n <- 60
p <- 8
base <- matrix(rnorm(n * 4), n)
X <- cbind(base, base[, 1] * base[, 2], base[, 1]^2, base[, 3] + 0.2 * rnorm(n), 5 + 3 * base[, 4]^3)
y <- as.vector(X %*% c(1.5, -2, 0, 0, 0.7, 0, 0.3, 0.05) + 0.5 * rnorm(n) + 4)
w <- runif(n, 0.2, 3)
lambda <- c(1, 0.3, 0.1, 0.03, 0.01, 0.001)
fit <- glmnet(X, y, weights = w, lambda = lambda, thresh = 1e-22, maxit = 1e8)
number <- function(x) paste(sprintf("%.17g", x), collapse = ", ")
rows <- function(m) paste(apply(m, 1, function(r) sprintf("    {%s},", number(r))), collapse = "\n")
cat("// SPDX-License-Identifier: Apache-2.0\n")
cat("// Written by glmnet_fixture.R with glmnet ", as.character(packageVersion("glmnet")), "\n", sep = "")
cat("// clang-format off\n")
cat(sprintf("enum { GLMNET_ROWS = %d, GLMNET_COLUMNS = %d, GLMNET_LAMBDAS = %d };\n", n, p, length(lambda)))
cat(sprintf("static const double glmnet_x[GLMNET_ROWS][GLMNET_COLUMNS] = {\n%s\n};\n", rows(X)))
cat(sprintf("static const double glmnet_y[GLMNET_ROWS] = {%s};\n", number(y)))
cat(sprintf("static const double glmnet_w[GLMNET_ROWS] = {%s};\n", number(w)))
cat(sprintf("static const double glmnet_lambda[GLMNET_LAMBDAS] = {%s};\n", number(lambda)))
cat("// Intercept, then the columns.\n")
cat(sprintf("static const double glmnet_coefficients[GLMNET_LAMBDAS][GLMNET_COLUMNS + 1] = {\n%s\n};\n",
            rows(t(as.matrix(coef(fit))))))
